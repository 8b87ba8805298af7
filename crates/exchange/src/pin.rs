//! The optional PIN of a shopper, kept as an Argon2id hash.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};

/// Wrong PINs in a row before the shopper is locked out for a while.
pub const TRIES: u32 = 3;

/// A hashed PIN in PHC string form (`$argon2id$…`).
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// Why a PIN is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Not 4 to 8 digits.
    #[error("a PIN is 4 to 8 digits")]
    Malformed,
    /// The stored hash is not one of ours.
    #[error("the stored PIN is damaged: set it again with `ustredna shoppers set --pin`")]
    Damaged,
}

impl Pin {
    /// Hashes a PIN of 4 to 8 digits with 16 random bytes.
    ///
    /// # Errors
    /// [`PinError::Malformed`].
    pub fn hash(digits: &str, salt: &[u8; 16]) -> Result<Self, PinError> {
        if !(4..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PinError::Malformed);
        }
        let salt = SaltString::encode_b64(salt).map_err(|_| PinError::Damaged)?;
        let hash =
            hasher()?.hash_password(digits.as_bytes(), &salt).map_err(|_| PinError::Damaged)?;
        Ok(Self(hash.to_string()))
    }

    /// A hash as the store holds it.
    ///
    /// # Errors
    /// [`PinError::Damaged`].
    pub fn from_phc(text: &str) -> Result<Self, PinError> {
        PasswordHash::new(text).map_err(|_| PinError::Damaged)?;
        Ok(Self(text.to_owned()))
    }

    /// The PHC string for the store.
    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// Whether these are the PIN's digits.
    #[must_use]
    pub fn matches(&self, digits: &str) -> bool {
        let (Ok(hash), Ok(hasher)) = (PasswordHash::new(&self.0), hasher()) else { return false };
        hasher.verify_password(digits.as_bytes(), &hash).is_ok()
    }
}

/// Four digits can be tried out in a moment whatever the hash costs; the lock after [`TRIES`]
/// protects the shopper. So the cost is kept at about a millisecond, fit for a call's own task.
fn hasher() -> Result<Argon2<'static>, PinError> {
    let params = Params::new(1024, 2, 1, None).map_err(|_| PinError::Damaged)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_digits_and_hides_them() {
        let pin = Pin::hash("1234", &[7; 16]).unwrap();
        assert!(pin.matches("1234") && !pin.matches("1235") && !pin.matches(""));
        assert!(Pin::from_phc(pin.as_phc()).unwrap().matches("1234"));
        assert!(!pin.as_phc().contains("1234") && !format!("{pin:?}").contains("argon2"));
    }

    #[test]
    fn refuses_other_forms() {
        for digits in ["", "123", "123456789", "12a4"] {
            assert_eq!(Pin::hash(digits, &[0; 16]), Err(PinError::Malformed));
        }
        assert_eq!(Pin::from_phc("1234"), Err(PinError::Damaged));
    }
}
