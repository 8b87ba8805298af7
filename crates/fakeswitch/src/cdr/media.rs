//! What went over a leg's RTP, as far as a simulation has any.

use std::time::Duration;

use serde::Serialize;

/// A packet of G.711 every 20 ms: 160 bytes and an RTP header of 12.
const PACKET: Duration = Duration::from_millis(20);
const PACKET_BYTES: u64 = 172;
/// A key of 100 ms is five packets and two repetitions of its end (RFC 4733 §2.5.1.4), of four bytes
/// behind the RTP header.
const KEY_PACKETS: u64 = 7;
const KEY_PACKET_BYTES: u64 = 16;

/// What a leg sent and was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Media {
    /// How long it spoke.
    pub(crate) spoke: Duration,
    /// How long something was played or said to it.
    pub(crate) heard: Duration,
    /// Keys that it pressed.
    pub(crate) keys: u64,
}

/// `callStats.audio` of a CDR. Nothing is lost or late here, so that what measures it is perfect.
#[derive(Debug, Serialize)]
pub(super) struct Statistics {
    inbound: Inbound,
    outbound: Outbound,
}

#[derive(Debug, Default, Serialize)]
struct Inbound {
    raw_bytes: u64,
    media_bytes: u64,
    packet_count: u64,
    media_packet_count: u64,
    skip_packet_count: u64,
    jitter_packet_count: u64,
    dtmf_packet_count: u64,
    cng_packet_count: u64,
    flush_packet_count: u64,
    largest_jb_size: u64,
    jitter_min_variance: u64,
    jitter_max_variance: u64,
    jitter_loss_rate: u64,
    jitter_burst_rate: u64,
    mean_interval: u64,
    flaw_total: u64,
    quality_percentage: u64,
    mos: f64,
}

#[derive(Debug, Default, Serialize)]
struct Outbound {
    raw_bytes: u64,
    media_bytes: u64,
    packet_count: u64,
    media_packet_count: u64,
    skip_packet_count: u64,
    dtmf_packet_count: u64,
    cng_packet_count: u64,
    rtcp_packet_count: u64,
    rtcp_octet_count: u64,
}

impl Media {
    pub(super) fn statistics(&self) -> Statistics {
        let packets = |time: Duration| {
            u64::try_from(time.as_millis() / PACKET.as_millis()).unwrap_or(u64::MAX)
        };
        let (spoken, heard) = (packets(self.spoke), packets(self.heard));
        let keyed = self.keys.saturating_mul(KEY_PACKETS);
        let (spoken_bytes, heard_bytes) =
            (spoken.saturating_mul(PACKET_BYTES), heard.saturating_mul(PACKET_BYTES));
        Statistics {
            inbound: Inbound {
                raw_bytes: spoken_bytes.saturating_add(keyed.saturating_mul(KEY_PACKET_BYTES)),
                media_bytes: spoken_bytes,
                packet_count: spoken.saturating_add(keyed),
                media_packet_count: spoken,
                dtmf_packet_count: keyed,
                quality_percentage: 100,
                mos: 4.5,
                ..Inbound::default()
            },
            outbound: Outbound {
                raw_bytes: heard_bytes,
                media_bytes: heard_bytes,
                packet_count: heard,
                media_packet_count: heard,
                ..Outbound::default()
            },
        }
    }

    /// What a channel's variables gain when its RTP session is closed, the last of all (`set_stats` in
    /// switch_core_media.c).
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let Statistics { inbound, outbound } = self.statistics();
        let measured = |value: u64| format!("{value}.00");
        [
            ("in_raw_bytes", inbound.raw_bytes.to_string()),
            ("in_media_bytes", inbound.media_bytes.to_string()),
            ("in_packet_count", inbound.packet_count.to_string()),
            ("in_media_packet_count", inbound.media_packet_count.to_string()),
            ("in_skip_packet_count", inbound.skip_packet_count.to_string()),
            ("in_jitter_packet_count", inbound.jitter_packet_count.to_string()),
            ("in_dtmf_packet_count", inbound.dtmf_packet_count.to_string()),
            ("in_cng_packet_count", inbound.cng_packet_count.to_string()),
            ("in_flush_packet_count", inbound.flush_packet_count.to_string()),
            ("in_largest_jb_size", inbound.largest_jb_size.to_string()),
            ("in_jitter_min_variance", measured(inbound.jitter_min_variance)),
            ("in_jitter_max_variance", measured(inbound.jitter_max_variance)),
            ("in_jitter_loss_rate", measured(inbound.jitter_loss_rate)),
            ("in_jitter_burst_rate", measured(inbound.jitter_burst_rate)),
            ("in_mean_interval", measured(inbound.mean_interval)),
            ("in_flaw_total", inbound.flaw_total.to_string()),
            ("in_quality_percentage", measured(inbound.quality_percentage)),
            ("in_mos", format!("{:.2}", inbound.mos)),
            ("out_raw_bytes", outbound.raw_bytes.to_string()),
            ("out_media_bytes", outbound.media_bytes.to_string()),
            ("out_packet_count", outbound.packet_count.to_string()),
            ("out_media_packet_count", outbound.media_packet_count.to_string()),
            ("out_skip_packet_count", outbound.skip_packet_count.to_string()),
            ("out_dtmf_packet_count", outbound.dtmf_packet_count.to_string()),
            ("out_cng_packet_count", outbound.cng_packet_count.to_string()),
            ("rtcp_packet_count", outbound.rtcp_packet_count.to_string()),
            ("rtcp_octet_count", outbound.rtcp_octet_count.to_string()),
        ]
        .map(|(name, value)| (format!("rtp_audio_{name}"), value))
        .into()
    }
}
