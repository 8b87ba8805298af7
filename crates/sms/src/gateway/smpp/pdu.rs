//! Protocol data units: taken from the stream, built for messages, understood.

use std::io;

use bytes::{Bytes, BytesMut};
use rusmpp::pdus::{BindTransceiver, SubmitSm};
use rusmpp::tlvs::MessageSubmissionRequestTlvValue as Tlv;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, InterfaceVersion, MessagePayload, Npi, RegisteredDelivery, Ton,
};
use rusmpp::{Command, CommandStatus, Pdu};
use secrecy::ExposeSecret as _;
use tokio_util::codec::{Decoder, Encoder as _};

use super::deliver::{Deliver, message_id};
use super::receipt::{Origin, uniform};
use super::settings::{LongForm, SmppSettings};
use crate::gateway::report::is_id;
use crate::gateway::{Message, SendError};
use crate::text::{gsm_octets, split};

/// Octets of a header, SMPP 3.4 section 3.2, and of the longest unit taken: a `message_payload` of 64 KiB
/// and what stands around it.
const HEADER: usize = 16;
const LONGEST: usize = 70_000;

/// `esm_class` of a part with a user data header, SMPP 3.4 section 5.2.12.
const UDHI: u8 = 0x40;

/// What kind of unit it is, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BindResp,
    SubmitResp,
    Deliver,
    /// A receipt may come in this, too.
    Data,
    EnquireLink,
    Unbind,
    GenericNack,
    OtherRequest,
    OtherResponse,
}

impl Kind {
    /// SMPP 3.4 section 5.1.2.1.
    fn of(command_id: u32) -> Self {
        match command_id {
            0x8000_0000 => Self::GenericNack,
            0x8000_0004 => Self::SubmitResp,
            0x0000_0005 => Self::Deliver,
            0x0000_0103 => Self::Data,
            0x0000_0006 => Self::Unbind,
            0x8000_0009 => Self::BindResp,
            0x0000_0015 => Self::EnquireLink,
            _ if command_id & 0x8000_0000 != 0 => Self::OtherResponse,
            _ => Self::OtherRequest,
        }
    }
}

/// One unit that came.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) status: CommandStatus,
    pub(super) sequence: u32,
    body: Bytes,
}

impl Frame {
    /// What a `deliver_sm` or `data_sm` holds; `None`: it cannot be read.
    pub(super) fn deliver(&self) -> Option<Deliver> {
        if self.kind == Kind::Data {
            Deliver::read_data(&self.body)
        } else {
            Deliver::read(&self.body)
        }
    }
}

/// Finds where units begin and end.
///
/// The units themselves are read one by one, and leniently: a body that breaks the rules costs that unit at
/// most and not the connection, which would be made again and get the same unit again.
pub(super) struct Frames;

impl Decoder for Frames {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, octets: &mut BytesMut) -> io::Result<Option<Frame>> {
        let Some(&[length, command_id, status, sequence]) = words(octets).as_ref() else {
            return Ok(None);
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(HEADER..=LONGEST).contains(&length) {
            return Err(io::Error::other("what came is not SMPP"));
        }
        if octets.len() < length {
            octets.reserve(length - octets.len());
            return Ok(None);
        }
        let body = octets.split_to(length).split_off(HEADER).freeze();
        let status = CommandStatus::from(status);
        Ok(Some(Frame { kind: Kind::of(command_id), status, sequence, body }))
    }
}

/// The four numbers of a header.
fn words(octets: &[u8]) -> Option<[u32; 4]> {
    let word = |at: usize| Some(u32::from_be_bytes(octets.get(at..at + 4)?.try_into().ok()?));
    Some([word(0)?, word(4)?, word(8)?, word(12)?])
}

pub(super) fn encode(
    status: CommandStatus,
    sequence: u32,
    pdu: Pdu,
    octets: &mut BytesMut,
) -> Result<(), ()> {
    CommandCodec::new().encode(Command::new(status, sequence, pdu), octets).map_err(|_| ())
}

pub(super) fn bind(settings: &SmppSettings) -> Option<Pdu> {
    let bind = BindTransceiver::builder()
        .system_id(c_string(&settings.system_id)?)
        .password(c_string(settings.password.expose_secret())?)
        .system_type(c_string(&settings.system_type)?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build();
    Some(Pdu::BindTransceiver(bind))
}

fn c_string<const MAX: usize>(text: &str) -> Option<COctetString<1, MAX>> {
    COctetString::from_string(text.to_owned()).ok()
}

/// The requests that make up one message.
pub(super) fn submits(
    settings: &SmppSettings,
    message: &Message,
) -> Result<Vec<SubmitSm>, SendError> {
    let misfit = || SendError::Permanent("the message does not fit into SMPP".into());
    let gsm = gsm_octets(&message.text).is_some();
    let coding = if gsm { DataCoding::McSpecific } else { DataCoding::Ucs2 };
    // All parts are in the alphabet of the whole, though one alone may have no need of UCS-2.
    let encoded = |text: &str| match gsm_octets(text) {
        Some(octets) if gsm => octets,
        _ => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    };
    let (ton, npi, from) = sender(settings);
    let plain = SubmitSm::builder()
        .source_addr_ton(ton)
        .source_addr_npi(npi)
        .source_addr(c_string(from).ok_or_else(misfit)?)
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(c_string(message.to.trim_start_matches('+')).ok_or_else(misfit)?)
        // The builder's own default sets a bit.
        .esm_class(EsmClass::from(0))
        .data_coding(coding)
        // Of each part: one that never arrives is as good as none.
        .registered_delivery(RegisteredDelivery::from(1))
        .build();
    let short = |octets: Vec<u8>| OctetString::from_vec(octets).map_err(|_| misfit());

    let parts = split(&message.text);
    if parts.len() == 1 {
        return Ok(vec![plain.with_short_message(short(encoded(&message.text))?)]);
    }
    if settings.long == LongForm::Payload {
        let mut only = plain;
        let payload = AnyOctetString::from_vec(encoded(&message.text));
        only.push_tlv(Tlv::MessagePayload(MessagePayload::new(payload)));
        return Ok(vec![only]);
    }
    let reference = reference(&message.id);
    let total = u8::try_from(parts.len()).map_err(|_| misfit())?;
    (1..=total)
        .zip(parts)
        .map(|(number, text)| {
            let mut part = plain.clone();
            let mut octets = Vec::new();
            if settings.long == LongForm::Udh {
                // 3GPP TS 23.040 clause 9.2.3.24.1: concatenation with an 8-bit reference.
                octets.extend([5, 0, 3, reference.to_be_bytes()[1], total, number]);
                part.esm_class = EsmClass::from(UDHI);
            } else {
                part.push_tlv(Tlv::SarMsgRefNum(reference));
                part.push_tlv(Tlv::SarTotalSegments(total));
                part.push_tlv(Tlv::SarSegmentSeqnum(number));
            }
            octets.extend(encoded(text));
            part.set_short_message(short(octets)?);
            Ok(part)
        })
        .collect()
}

fn sender(settings: &SmppSettings) -> (Ton, Npi, &str) {
    let from = settings.from.as_str();
    let (ton, npi) = match from.strip_prefix('+') {
        Some(_) => (1, 1),
        None if from.is_empty() => (0, 0),
        None if from.bytes().all(|b| b.is_ascii_digit()) => (0, 1),
        None => (5, 0),
    };
    let ton = Ton::from(settings.from_ton.unwrap_or(ton));
    (ton, Npi::from(settings.from_npi.unwrap_or(npi)), from.trim_start_matches('+'))
}

/// Ties the parts of a message together, the same at every attempt.
fn reference(id: &str) -> u16 {
    id.bytes().fold(0, |sum: u16, b| sum.wrapping_mul(31).wrapping_add(b.into()))
}

/// What an answer to `submit_sm` means.
pub(super) fn outcome(settings: &SmppSettings, frame: &Frame) -> Result<Option<String>, SendError> {
    let why = || format!("the SMSC answered {}", shown(frame.status));
    match u32::from(frame.status) {
        0 if frame.kind == Kind::SubmitResp => {
            let id = message_id(&frame.body);
            Ok(is_id(&id).then(|| uniform(&id, Origin::Answer, settings.ids)))
        }
        // ESME_RMSGQFUL, ESME_RTHROTTLED
        0x14 | 0x58 => Err(SendError::Throttled { after: None, why: why() }),
        // ESME_RINVMSGLEN, ESME_RINVDSTADR, ESME_RX_P_APPN, ESME_RINVDCS: the message is to blame. With
        // any other the settings, the account or the SMSC are, and can be put right.
        0x01 | 0x0b | 0x65 | 0x104 => Err(SendError::Permanent(why())),
        _ => Err(SendError::Temporary(why())),
    }
}

/// A status as people look it up: `0x00000058 (EsmeRthrottled)`.
pub(super) fn shown(status: CommandStatus) -> String {
    format!("0x{:08X} ({status:?})", u32::from(status))
}

#[cfg(test)]
mod tests;
