//! What a leg's record tells of its media: the packets that FreeSWITCH has counted, and the holds.

use std::path::Path;

use recordings::{Counted, Held};

use super::{Cdr, read};

/// So the dialplan notes at each re-INVITE whether the SDP before it said that nothing need come from
/// there (freeswitch-conf/dialplan.xml, context `reinvited`).
const WAS_HELD: &str = "was_held=";

/// So many holds of a leg are told at most, the first ones.
const HOLDS_AT_MOST: usize = 200;

/// What is counted in the record at `path`; `None` if it is not there, not whole, or of a leg without
/// media.
pub(crate) fn counted(path: &Path) -> Option<Counted> {
    read(path).ok()?.counted()
}

impl Cdr {
    pub(super) fn counted(&self) -> Option<Counted> {
        let number = |name: &str| self.variables.get(name)?.parse::<u32>().ok();
        // How long it waits for each: what the phone sends, not what it said.
        let packet_ms = number("rtp_use_codec_ptime").filter(|ms| *ms > 0).unwrap_or(20);
        let seconds = |packets: u32| f64::from(packets) * f64::from(packet_ms) / 1000.0;
        Some(Counted {
            missing: seconds(number("rtp_audio_in_skip_packet_count")?),
            comfort_noise: number("rtp_audio_in_cng_packet_count")?,
            keys: seconds(number("rtp_audio_in_dtmf_packet_count")?),
            held: self.held().unwrap_or_default(),
        })
    }

    /// When this leg's phone was on hold by its SDP, from the bridge on.
    fn held(&self) -> Option<Vec<Held>> {
        let bridged = self.variables.time("bridge_uepoch")?;
        let over = self.variables.time("end_uepoch")?;
        let applications = self.app_log.get("applications").and_then(serde_json::Value::as_array);
        let noted = applications.into_iter().flatten().filter_map(|application| {
            let of = |name: &str| application.get(name).and_then(serde_json::Value::as_str);
            let was_held = of("app_data")?.strip_prefix(WAS_HELD)? == "true";
            let at = of("app_stamp")?.parse().ok()?;
            Some((was_held, jiff::Timestamp::from_microsecond(at).ok()?))
        });
        let is_held = self.variables.get("switch_r_sdp").is_some_and(is_held);
        let mut holds: Vec<Held> = Vec::new();
        let mut from = 0.0;
        for (was_held, at) in noted.chain([(is_held, over)]) {
            let to = at.duration_since(bridged).as_secs_f64().max(0.0);
            if was_held && from < to {
                let count = holds.len();
                match holds.last_mut() {
                    // The session was refreshed in it.
                    Some(last) if last.to >= from => last.to = to,
                    Some(_) if count == HOLDS_AT_MOST => break,
                    Some(_) | None => holds.push(Held { from, to }),
                }
            }
            from = to;
        }
        Some(holds)
    }
}

/// Whether who says so need not send anything. The dialplan asks the same.
fn is_held(sdp: &str) -> bool {
    sdp.lines().any(|line| {
        matches!(line, "a=sendonly" | "a=recvonly" | "a=inactive" | "c=IN IP6 ::")
            || line.starts_with("c=IN IP4 0.0.0.0")
    })
}

#[cfg(test)]
mod tests;
