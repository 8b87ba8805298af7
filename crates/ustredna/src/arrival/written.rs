//! Numbers as carriers write them: the user part of a `sip:` or a `tel:` URI (RFC 3261, 19.1.6, and
//! RFC 3966), with parameters, separators and percent escapes, alone or within a whole header.

use exchange::number::{Country, PhoneNumber};

/// Who is meant, taken apart.
pub(super) struct Written {
    /// Without parameters and escapes: a number, or a name.
    pub(super) user: String,
    /// `;phone-context=+420`: what a number that is not global belongs to.
    context: Option<String>,
}

impl Written {
    /// Reads `number`, `number;parameters`, `sip:number@host`, `tel:number`, or `"Name" <uri>`.
    /// `None`: its escapes are no text.
    pub(super) fn read(text: &str) -> Option<Self> {
        // user = name *( ";" parameter )
        let uri = text.rsplit_once('<').map_or(text, |(_, uri)| uri);
        let uri = uri.split('>').next().unwrap_or_default().trim();
        let scheme = ["sip:", "sips:", "tel:"]
            .into_iter()
            .filter_map(|scheme| uri.get(..scheme.len()).zip(Some(scheme)))
            .find(|(begin, scheme)| begin.eq_ignore_ascii_case(scheme));
        let rest = scheme.map_or(uri, |(begin, _)| &uri[begin.len()..]);
        let user = rest.split(['@', '?']).next().unwrap_or_default();
        let mut parts = user.split(';');
        let user = unescaped(parts.next().unwrap_or_default())?.trim().to_owned();
        let context = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("phone-context").then(|| unescaped(value))?
        });
        Some(Self { user, context })
    }

    /// The number, if it is one.
    pub(super) fn number(&self, country: Country) -> Option<PhoneNumber> {
        let parse = |text: &str| PhoneNumber::parse(text, country).ok();
        if !self.user.starts_with('+')
            && let Some(context) = self.context.as_deref().filter(|text| text.starts_with('+'))
            && let Some(number) = parse(&format!("{context}{}", self.user))
        {
            return Some(number);
        }
        parse(&self.user).or_else(|| {
            // Many trunks write E.164 without its plus. Fewer digits are rather a number at home
            // with a slip in it.
            let digits = self.user.bytes().filter(u8::is_ascii_digit).count();
            let whole = (10..=15).contains(&digits) && !self.user.starts_with('+');
            whole.then(|| parse(&format!("+{}", self.user))).flatten()
        })
    }
}

/// The entries of a header that may hold several, `"A, B" <uri>;parameter, <uri>`: apart by commas
/// outside of quotes and angle brackets.
pub(super) fn entries(text: &str) -> Vec<&str> {
    // entries = entry *( "," entry )
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    text.split(|character| {
        let after_backslash = std::mem::take(&mut escaped);
        match character {
            _ if after_backslash => false,
            '\\' if quoted => {
                escaped = true;
                false
            }
            '"' if !bracketed => {
                quoted = !quoted;
                false
            }
            '<' | '>' if !quoted => {
                bracketed = character == '<';
                false
            }
            ',' => !quoted && !bracketed,
            _ => false,
        }
    })
    .collect()
}

/// `%2B420` is `+420`. `None`: an escape is cut off or wrong, or the bytes are no text.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
