//! Hangup causes and what SIP makes of them.

/// A hangup cause by FreeSWITCH's name for it, such as `NORMAL_CLEARING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause(&'static str);

/// The names with their Q.850 numbers (`switch_call_cause_t`).
const NAMES: [(&str, u16); 27] = [
    ("UNALLOCATED_NUMBER", 1),
    ("NO_ROUTE_DESTINATION", 3),
    ("NORMAL_CLEARING", 16),
    ("USER_BUSY", 17),
    ("NO_USER_RESPONSE", 18),
    ("NO_ANSWER", 19),
    ("SUBSCRIBER_ABSENT", 20),
    ("CALL_REJECTED", 21),
    ("NUMBER_CHANGED", 22),
    ("EXCHANGE_ROUTING_ERROR", 25),
    ("DESTINATION_OUT_OF_ORDER", 27),
    ("INVALID_NUMBER_FORMAT", 28),
    ("NORMAL_UNSPECIFIED", 31),
    ("NETWORK_OUT_OF_ORDER", 38),
    ("NORMAL_TEMPORARY_FAILURE", 41),
    ("SWITCH_CONGESTION", 42),
    ("REQUESTED_CHAN_UNAVAIL", 44),
    ("SERVICE_UNAVAILABLE", 63),
    ("CHAN_NOT_IMPLEMENTED", 66),
    ("SERVICE_NOT_IMPLEMENTED", 79),
    ("INCOMPATIBLE_DESTINATION", 88),
    ("RECOVERY_ON_TIMER_EXPIRE", 102),
    ("INTERWORKING", 127),
    ("ORIGINATOR_CANCEL", 487),
    ("MANAGER_REQUEST", 503),
    ("INVALID_GATEWAY", 608),
    ("GATEWAY_DOWN", 609),
];

impl Cause {
    pub(crate) const NORMAL_CLEARING: Self = Self("NORMAL_CLEARING");
    pub(crate) const NO_ANSWER: Self = Self("NO_ANSWER");
    pub(crate) const DESTINATION_OUT_OF_ORDER: Self = Self("DESTINATION_OUT_OF_ORDER");
    pub(crate) const NORMAL_TEMPORARY_FAILURE: Self = Self("NORMAL_TEMPORARY_FAILURE");
    pub(crate) const ORIGINATOR_CANCEL: Self = Self("ORIGINATOR_CANCEL");
    pub(crate) const MANAGER_REQUEST: Self = Self("MANAGER_REQUEST");
    pub(crate) const INVALID_GATEWAY: Self = Self("INVALID_GATEWAY");
    pub(crate) const CHAN_NOT_IMPLEMENTED: Self = Self("CHAN_NOT_IMPLEMENTED");

    /// A cause by name or number; what is neither is NORMAL_CLEARING, as
    /// `switch_channel_str2cause` has it.
    pub(crate) fn named(text: &str) -> Self {
        let text = text.trim();
        let number = text.parse::<u16>().ok();
        NAMES
            .iter()
            .find(|(name, q850)| name.eq_ignore_ascii_case(text) || number == Some(*q850))
            .map_or(Self::NORMAL_CLEARING, |(name, _)| Self(name))
    }

    /// What a callee's final SIP status means (`sofia_glue_sip_cause_to_freeswitch`).
    pub(crate) fn of_sip(status: u16) -> Self {
        Self(match status {
            // Redirects are not followed (`outbound_redirect_fatal`).
            300..=399 => "REQUESTED_CHAN_UNAVAIL",
            401 | 402 | 403 | 407 | 603 | 608 => "CALL_REJECTED",
            404 => "UNALLOCATED_NUMBER",
            485 | 604 => "NO_ROUTE_DESTINATION",
            408 | 504 => "RECOVERY_ON_TIMER_EXPIRE",
            410 => "NUMBER_CHANGED",
            413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => "INTERWORKING",
            480 => "NO_USER_RESPONSE",
            400 | 481 | 500 | 503 => "NORMAL_TEMPORARY_FAILURE",
            486 | 600 => "USER_BUSY",
            484 => "INVALID_NUMBER_FORMAT",
            488 | 606 => "INCOMPATIBLE_DESTINATION",
            502 => "NETWORK_OUT_OF_ORDER",
            405 => "SERVICE_UNAVAILABLE",
            406 | 415 | 501 => "SERVICE_NOT_IMPLEMENTED",
            482 | 483 => "EXCHANGE_ROUTING_ERROR",
            487 => "ORIGINATOR_CANCEL",
            _ => "NORMAL_UNSPECIFIED",
        })
    }

    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    pub(crate) fn q850(self) -> u16 {
        NAMES.iter().find(|(name, _)| *name == self.0).map_or(16, |(_, q850)| *q850)
    }

    /// The final status that a caller gets who was not answered (`hangup_cause_to_sip`).
    pub(crate) fn sip(self) -> u16 {
        match self.0 {
            "UNALLOCATED_NUMBER" | "NO_ROUTE_DESTINATION" => 404,
            "USER_BUSY" => 486,
            "NO_USER_RESPONSE" => 408,
            "CALL_REJECTED" => 603,
            "NUMBER_CHANGED" => 410,
            "DESTINATION_OUT_OF_ORDER" => 502,
            "INVALID_NUMBER_FORMAT" | "INVALID_GATEWAY" => 484,
            "REQUESTED_CHAN_UNAVAIL"
            | "NETWORK_OUT_OF_ORDER"
            | "NORMAL_TEMPORARY_FAILURE"
            | "SWITCH_CONGESTION"
            | "GATEWAY_DOWN" => 503,
            "INCOMPATIBLE_DESTINATION" => 488,
            "SERVICE_NOT_IMPLEMENTED" => 501,
            "RECOVERY_ON_TIMER_EXPIRE" => 504,
            "ORIGINATOR_CANCEL" => 487,
            "EXCHANGE_ROUTING_ERROR" => 483,
            _ => 480,
        }
    }

    /// `DIALSTATUS` after an attempt that ended so.
    pub(crate) fn dial_status(self) -> &'static str {
        match self.0 {
            "USER_BUSY" => "BUSY",
            "NO_ANSWER" => "NOANSWER",
            "CALL_REJECTED" => "DONTCALL",
            "ORIGINATOR_CANCEL" => "CANCEL",
            name => name,
        }
    }
}

/// The reason phrase of a callee's refusal.
pub(crate) fn phrase(status: u16) -> &'static str {
    match status {
        302 => "Moved Temporarily",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Failure",
    }
}
