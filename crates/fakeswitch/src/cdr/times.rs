//! When a leg did what, and the variables made of it.

use super::{Applied, Profile};
use crate::clock;

/// Microseconds since 1970; 0: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) created: u64,
    /// It rang.
    pub(crate) progress: u64,
    /// Media came before the answer.
    pub(crate) progress_media: u64,
    pub(crate) answered: u64,
    pub(crate) bridged: u64,
    pub(crate) hungup: u64,
}

impl Times {
    /// What a channel's variables gain when it is reported, in this order
    /// (`switch_channel_set_timestamps` in switch_channel.c), between `hangup_cause_q850` and
    /// `sip_hangup_disposition`.
    pub(crate) fn variables(
        &self,
        keys: &str,
        last: Option<&Applied>,
        profile: &Profile,
    ) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut set = |name: &str, value: String| found.push((name.to_owned(), value));
        set("digits_dialed", if keys.is_empty() { "none" } else { keys }.to_owned());
        self.stamps(&mut set);
        self.epochs(&mut set);
        if let Some(last) = last {
            set("last_app", last.name.clone());
            if let Some(data) = &last.data {
                set("last_arg", data.clone());
            }
        }
        let Profile { caller_id_name: name, caller_id_number: number, .. } = profile;
        let caller =
            if name.is_empty() { number.clone() } else { format!("\"{name}\" <{number}>") };
        set("caller_id", caller);
        self.lengths(&mut set);
        found
    }

    fn stamps(&self, set: &mut impl FnMut(&str, String)) {
        for (name, time, always) in [
            ("start", self.created, true),
            ("profile_start", self.created, true),
            ("answer", self.answered, false),
            ("bridge", self.bridged, false),
            ("progress", self.progress, false),
            ("progress_media", self.progress_media, false),
            ("end", self.hungup, true),
        ] {
            if always || time != 0 {
                set(&format!("{name}_stamp"), clock::local(time));
            }
        }
    }

    fn epochs(&self, set: &mut impl FnMut(&str, String)) {
        let mut epoch = |name: &str, time: u64| {
            set(&format!("{name}_epoch"), (time / 1_000_000).to_string());
            set(&format!("{name}_uepoch"), time.to_string());
        };
        epoch("start", self.created);
        epoch("profile_start", self.created);
        epoch("answer", self.answered);
        epoch("bridge", self.bridged);
        epoch("last_hold", 0);
        for unit in ["seconds", "usec", "ms"] {
            set(&format!("hold_accum_{unit}"), "0".to_owned());
        }
        let mut epoch = |name: &str, time: u64| {
            set(&format!("{name}_epoch"), (time / 1_000_000).to_string());
            set(&format!("{name}_uepoch"), time.to_string());
        };
        epoch("resurrect", 0);
        epoch("progress", self.progress);
        epoch("progress_media", self.progress_media);
        epoch("end", self.hungup);
    }

    fn lengths(&self, set: &mut impl FnMut(&str, String)) {
        let since = |from: u64, to: u64| if from == 0 || to == 0 { (0, 0) } else { (from, to) };
        let billed = if self.answered == 0 { 0 } else { self.created };
        let lengths = [
            ("duration", since(self.created, self.hungup)),
            ("bill", since(self.answered, self.hungup)),
            ("progress", since(self.created, self.progress)),
            ("answer", since(self.created, self.answered)),
            ("wait", since(self.created, self.bridged)),
            ("progress_media", since(self.created, self.progress_media)),
            ("flow_bill", since(billed, self.hungup)),
        ];
        // Each end is cut to the unit before they are subtracted, as FreeSWITCH does.
        for (unit, prefix, divisor) in
            [("sec", "", 1_000_000), ("msec", "m", 1000), ("usec", "u", 1)]
        {
            for (name, (from, to)) in lengths {
                let value = (to / divisor).saturating_sub(from / divisor).to_string();
                match name {
                    "duration" => set(&format!("{prefix}duration"), value),
                    name => set(&format!("{name}{unit}"), value),
                }
            }
        }
    }
}
