//! Hangup causes as FreeSWITCH names them, and what they mean to the exchange.

use crate::model::Outcome;

/// Why a dialled leg was not answered, as far as a caller can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The phone is busy.
    Busy,
    /// It rang until the time was over, or is off or out of coverage after ringing.
    NoAnswer,
    /// The callee refused.
    Rejected,
    /// The number is not in service.
    Unallocated,
    /// The network could not reach it.
    Unreachable,
}

impl Failure {
    /// The meaning of `variable_originate_disposition` or of a hangup cause: the names of
    /// `switch_channel.c`, numbered by ITU-T Q.850.
    #[must_use]
    pub fn from_cause(cause: &str) -> Self {
        match cause {
            "USER_BUSY" | "NORMAL_CIRCUIT_CONGESTION_BUSY" => Self::Busy,
            "NO_ANSWER"
            | "NO_USER_RESPONSE"
            | "ALLOTTED_TIMEOUT"
            | "PROGRESS_TIMEOUT"
            | "MEDIA_TIMEOUT"
            | "RECOVERY_ON_TIMER_EXPIRE" => Self::NoAnswer,
            "CALL_REJECTED" | "DECLINE" | "BLACKLISTED" => Self::Rejected,
            "UNALLOCATED_NUMBER"
            | "NO_ROUTE_DESTINATION"
            | "INVALID_NUMBER_FORMAT"
            | "NUMBER_CHANGED"
            | "GONE_AWAY" => Self::Unallocated,
            _ => Self::Unreachable,
        }
    }

    /// The word for it in the list of calls.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Busy => Outcome::Busy,
            Self::NoAnswer => Outcome::NoAnswer,
            Self::Rejected => Outcome::Rejected,
            Self::Unallocated | Self::Unreachable => Outcome::Unreachable,
        }
    }

    /// What the dealer's network is told when the shopper could not be reached. A dealer called
    /// a number that is in service, so it is never "unallocated".
    #[must_use]
    pub fn as_cause(self) -> Cause {
        match self {
            Self::Busy => Cause::UserBusy,
            Self::Rejected => Cause::CallRejected,
            Self::NoAnswer => Cause::NoAnswer,
            Self::Unallocated | Self::Unreachable => Cause::SubscriberAbsent,
        }
    }
}

/// The causes with which the exchange itself ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The call came to its ordinary end.
    NormalClearing,
    /// The number called is not in service (SIP 404).
    UnallocatedNumber,
    /// The callee is busy (SIP 486).
    UserBusy,
    /// Nobody answered (SIP 480).
    NoAnswer,
    /// The callee refused (SIP 603).
    CallRejected,
    /// The callee's phone is off or out of coverage (SIP 480).
    SubscriberAbsent,
    /// The exchange cannot serve the call now (SIP 503).
    SwitchCongestion,
}

impl Cause {
    /// FreeSWITCH's name (`switch_channel.c`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NormalClearing => "NORMAL_CLEARING",
            Self::UnallocatedNumber => "UNALLOCATED_NUMBER",
            Self::UserBusy => "USER_BUSY",
            Self::NoAnswer => "NO_ANSWER",
            Self::CallRejected => "CALL_REJECTED",
            Self::SubscriberAbsent => "SUBSCRIBER_ABSENT",
            Self::SwitchCongestion => "SWITCH_CONGESTION",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_seen_on_a_real_switch() {
        for (cause, outcome) in [
            ("USER_BUSY", Outcome::Busy),
            ("NO_ANSWER", Outcome::NoAnswer),
            ("CALL_REJECTED", Outcome::Rejected),
            ("UNALLOCATED_NUMBER", Outcome::Unreachable),
            ("NORMAL_TEMPORARY_FAILURE", Outcome::Unreachable),
            ("SOMETHING_NEW", Outcome::Unreachable),
        ] {
            assert_eq!(Failure::from_cause(cause).outcome(), outcome, "{cause}");
        }
    }

    #[test]
    fn a_dealer_is_never_told_that_a_paired_number_does_not_exist() {
        for failure in [
            Failure::Busy,
            Failure::NoAnswer,
            Failure::Rejected,
            Failure::Unallocated,
            Failure::Unreachable,
        ] {
            assert_ne!(failure.as_cause(), Cause::UnallocatedNumber);
        }
    }
}
