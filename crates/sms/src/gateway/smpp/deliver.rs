//! `deliver_sm` and `data_sm` as SMSCs really send them.
//!
//! A decoder that goes by the book refuses a whole unit for a text without its final NUL, or a TLV that
//! promises more than there is; a receipt in it would be lost.

/// What matters of the unit, SMPP 3.4 sections 4.6.1 and 4.7.1. Nothing of it may be shown.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Deliver {
    pub(super) esm_class: u8,
    pub(super) data_coding: u8,
    /// From whom and to whom it says it is: of a receipt, the phone and the sender, in either order.
    pub(super) addresses: [String; 2],
    /// `message_payload`, or else `short_message`; without its user data header.
    pub(super) text: Vec<u8>,
    /// `receipted_message_id`, up to a NUL if there is one.
    pub(super) receipted_id: Option<String>,
    /// `message_state`.
    pub(super) state: Option<u8>,
    /// `network_error_code`, without the kind of network.
    pub(super) error: Option<u16>,
}

/// Bits of `esm_class`, section 5.2.12.
const UDHI: u8 = 0x40;
const KIND: u8 = 0x3c;
const RECEIPT: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;

/// Tags, section 5.3.2.
const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
const NETWORK_ERROR_CODE: u16 = 0x0423;
const MESSAGE_PAYLOAD: u16 = 0x0424;
const MESSAGE_STATE: u16 = 0x0427;

impl Deliver {
    /// Reads the body of a `deliver_sm`; `None` if it ends before its text.
    ///
    /// ```text
    /// body = head protocol priority schedule NUL validity NUL registered replace data_coding canned
    ///        length text *tlv
    /// head = service_type NUL ton npi source NUL ton npi destination NUL esm_class
    /// tlv  = tag(2) length(2) value
    /// ```
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut rest = Octets(body);
        let mut deliver = Self::head(&mut rest)?;
        rest.take(2)?;
        rest.c_string()?;
        rest.c_string()?;
        let &[_, _, data_coding, _, length] = rest.take(5)? else { return None };
        deliver.data_coding = data_coding;
        let text = rest.up_to(usize::from(length));
        deliver.tlvs(&mut rest, text);
        Some(deliver)
    }

    /// The same of a `data_sm`: `head registered data_coding *tlv`.
    pub(super) fn read_data(body: &[u8]) -> Option<Self> {
        let mut rest = Octets(body);
        let mut deliver = Self::head(&mut rest)?;
        let &[_, data_coding] = rest.take(2)? else { return None };
        deliver.data_coding = data_coding;
        deliver.tlvs(&mut rest, b"");
        Some(deliver)
    }

    fn head(rest: &mut Octets<'_>) -> Option<Self> {
        rest.c_string()?;
        let mut address = || {
            rest.take(2)?;
            Some(shown(rest.c_string()?))
        };
        let addresses = [address()?, address()?];
        let &[esm_class] = rest.take(1)? else { return None };
        Some(Self { esm_class, addresses, ..Self::default() })
    }

    fn tlvs<'o>(&mut self, rest: &mut Octets<'o>, mut text: &'o [u8]) {
        while let Some((tag, value)) = rest.tlv() {
            match tag {
                RECEIPTED_MESSAGE_ID => {
                    self.receipted_id = Some(shown(value)).filter(|id| !id.is_empty());
                }
                MESSAGE_STATE => self.state = value.last().copied(),
                NETWORK_ERROR_CODE => {
                    self.error = value.last_chunk().map(|code| u16::from_be_bytes(*code));
                }
                MESSAGE_PAYLOAD => text = value,
                _ => {}
            }
        }
        if self.esm_class & UDHI != 0 {
            let header = text.first().map_or(0, |length| usize::from(*length) + 1);
            text = text.get(header..).unwrap_or_default();
        }
        self.text = text.to_vec();
    }

    /// Whether the bits say that it is a receipt, be it one on the way.
    pub(super) fn is_receipt(&self) -> bool {
        matches!(self.esm_class & KIND, RECEIPT | INTERMEDIATE)
    }

    /// Whether the bits say that the last word is not spoken.
    pub(super) fn is_intermediate(&self) -> bool {
        self.esm_class & KIND == INTERMEDIATE
    }
}

/// The octets that are left.
struct Octets<'o>(&'o [u8]);

impl<'o> Octets<'o> {
    fn take(&mut self, count: usize) -> Option<&'o [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// As many as there are.
    fn up_to(&mut self, count: usize) -> &'o [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to and with the next NUL.
    fn c_string(&mut self) -> Option<&'o [u8]> {
        let end = self.0.iter().position(|octet| *octet == 0)?;
        self.take(end + 1)
    }

    fn tlv(&mut self) -> Option<(u16, &'o [u8])> {
        let &[t0, t1, l0, l1] = self.take(4)? else { return None };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        Some((u16::from_be_bytes([t0, t1]), self.up_to(length)))
    }
}

/// Up to a NUL if there is one, without blanks around it. Each octet is a character: no two texts become
/// the same.
fn shown(octets: &[u8]) -> String {
    let text = octets.split(|octet| *octet == 0).next().unwrap_or_default();
    text.iter().copied().map(char::from).collect::<String>().trim().to_owned()
}

/// The `message_id` in the body of a `submit_sm_resp`, with or without its NUL.
pub(super) fn message_id(body: &[u8]) -> String {
    shown(body)
}

#[cfg(test)]
mod tests;
