//! What names a test call: when it was begun, something random, and the proof that whoever began it
//! knows the event socket's password. 64 hexadecimal digits, which a SIP address may hold.

use std::fmt::Write as _;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How old, or of the future, one may be.
const FRESH: i64 = 120;
/// Seconds since the epoch in 8 digits, then the random ones; and as many of the proof.
const HALF: usize = 32;
const TIME: usize = 8;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new(password: &SecretString, now: Timestamp) -> Self {
        let random = Uuid::new_v4().simple().to_string();
        let named = format!("{:08x}{}", now.as_second() & 0xffff_ffff, &random[TIME..]);
        let proof = proof(password, &named);
        Self(named + &proof)
    }

    /// `None`: it is another text, not fresh, or made without the password.
    pub(crate) fn read(text: &str, password: &SecretString, now: Timestamp) -> Option<Self> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 2 * HALF || !text.bytes().all(is_hex) {
            return None;
        }
        let (named, proven) = text.split_at(HALF);
        let began = i64::from_str_radix(&named[..TIME], 16).ok()?;
        let is_fresh = (now.as_second() - began).abs() <= FRESH;
        let expected = proof(password, named);
        // Every digit is compared, so that the time it takes tells nothing.
        let differ = expected.bytes().zip(proven.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b));
        (is_fresh && differ == 0).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of it that names its recording.
    pub(crate) fn name(&self) -> &str {
        &self.0[..HALF]
    }
}

fn proof(password: &SecretString, named: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"ustredna test call\0");
    hash.update(password.expose_secret());
    hash.update(b"\0");
    hash.update(named);
    let mut proof = String::with_capacity(HALF);
    for byte in hash.finalize().iter().take(HALF / 2) {
        // Writing into a String cannot fail.
        let _ = write!(proof, "{byte:02x}");
    }
    proof
}
