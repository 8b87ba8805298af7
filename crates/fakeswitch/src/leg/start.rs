//! How a leg comes about.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, atomic::AtomicU32},
};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::{CallState, ChannelState, Direction, Leg, Stage, State};
use crate::{
    Invite,
    cdr::{Profile, Times},
    event::Headers,
    office::Office,
    phone::Display,
    variables::Variables,
};

/// A leg that is about to be.
pub(crate) struct Arriving {
    pub(crate) uuid: Uuid,
    pub(crate) direction: Direction,
    pub(crate) profile: Profile,
    pub(crate) hides: bool,
    pub(crate) variables: Variables,
    pub(crate) call_uuid: Uuid,
    pub(crate) owner: Option<Arc<Leg>>,
}

impl Leg {
    pub(crate) fn new(office: &Arc<Office>, arriving: Arriving, display: Display) -> Arc<Self> {
        let Arriving { uuid, direction, profile, hides, variables, call_uuid, owner } = arriving;
        let (running, call) = match direction {
            Direction::Inbound => (ChannelState::Execute, CallState::Ringing),
            Direction::Outbound => (ChannelState::ConsumeMedia, CallState::Down),
        };
        let times = Times { created: office.clock.micros(), ..Times::default() };
        let leg = Arc::new(Self {
            uuid,
            direction,
            name: profile.chan_name.clone(),
            office: Arc::clone(office),
            display,
            wake: Notify::new(),
            voice: AtomicU32::new(0),
            stage: watch::channel(Stage::Up).0,
            faults: office.faults(),
            state: Mutex::new(State {
                variables,
                running,
                call,
                answered: false,
                early: false,
                ringing: false,
                hangup: None,
                by_phone: false,
                refused: None,
                reset: false,
                profile,
                callee: None,
                hides,
                call_uuid,
                times,
                peer: None,
                owner,
                other: Headers::default(),
                other_profile: None,
                keys: VecDeque::new(),
                swallows: false,
                dialed: String::new(),
                queue: VecDeque::new(),
                recordings: Vec::new(),
                applied: Vec::new(),
                controlled: false,
                connected: false,
                lost: false,
                resumes: false,
                answer_hooks: false,
            }),
        });
        office.enter(&leg);
        leg
    }

    /// A caller's leg, as mod_sofia makes it of an INVITE.
    pub(crate) fn inbound(
        office: &Arc<Office>,
        invite: &Invite,
        uuid: Uuid,
        display: Display,
    ) -> Arc<Self> {
        let anonymous = invite.from == "anonymous";
        let host = if anonymous { "anonymous.invalid" } else { "127.0.0.1:5070" };
        let name = format!("sofia/trunk/{}@{host}", invite.from);
        let private = invite.privacy.as_deref().is_some_and(|privacy| {
            privacy.split(';').any(|word| ["id", "user", "header", "full"].contains(&word.trim()))
        });
        let number = invite.asserted.as_deref().unwrap_or(&invite.from);
        let profile = Profile {
            username: invite.from.clone(),
            caller_id_name: invite.name.clone(),
            caller_id_number: number.to_owned(),
            ani: number.to_owned(),
            destination_number: invite.to.clone(),
            uuid,
            chan_name: name,
        };
        let variables = caller_variables(office, invite, uuid, &profile.chan_name, host);
        let arriving = Arriving {
            uuid,
            direction: Direction::Inbound,
            profile,
            hides: private,
            variables,
            call_uuid: uuid,
            owner: None,
        };
        Self::new(office, arriving, display)
    }

    /// What the media's beginning leaves in the variables.
    pub(super) fn describe_media(&self, variables: &mut Variables, disposition: &str) {
        let created = self.office.clock.micros();
        let port = 16_384 + created / 1000 % 8192 * 2;
        let sdp = format!(
            "v=0\r\no=- {0} {0} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
            created / 1_000_000,
        );
        for (name, value) in [
            ("rtp_local_sdp_str", sdp.as_str()),
            ("local_media_ip", "127.0.0.1"),
            ("local_media_port", &port.to_string()),
            ("advertised_media_ip", "127.0.0.1"),
            ("rtp_use_timer_name", "soft"),
            ("rtp_use_pt", "8"),
            ("rtp_use_ssrc", &(created % 4_294_967_296).to_string()),
            ("rtp_2833_send_payload", "96"),
            ("rtp_2833_recv_payload", "96"),
            ("remote_media_ip", "127.0.0.1"),
            ("remote_media_port", "6004"),
            ("endpoint_disposition", disposition),
        ] {
            variables.set(name, value);
        }
    }
}

/// The variables of a leg that came in, in mod_sofia's order.
fn caller_variables(
    office: &Office,
    invite: &Invite,
    uuid: Uuid,
    channel: &str,
    host: &str,
) -> Variables {
    let (from, to) = (invite.from.as_str(), invite.to.as_str());
    let (host_only, port) = host.split_once(':').unwrap_or((host, ""));
    let stamp = office.clock.micros().to_string();
    let id = uuid.simple().to_string();
    let tag = id.get(..12).unwrap_or_default();
    let call_id = format!("{id}@127.0.0.1");
    let via = format!("SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-{tag}");
    let mut variables = Variables::default();
    let mut set = |name: &str, value: &str| variables.set(name, value);
    set("direction", "inbound");
    set("uuid", &uuid.to_string());
    set("session_id", &office.next_session().to_string());
    set("sip_from_user", from);
    set("sip_from_port", port);
    set("sip_from_uri", &format!("{from}@{host}"));
    set("sip_from_host", host_only);
    set("video_media_flow", "disabled");
    set("text_media_flow", "disabled");
    set("channel_name", channel);
    set("sip_call_id", &call_id);
    set("sip_local_network_addr", "127.0.0.1");
    set("sip_network_ip", "127.0.0.1");
    set("sip_network_port", "5070");
    set("sip_invite_stamp", &stamp);
    set("sip_received_ip", "127.0.0.1");
    set("sip_received_port", "5070");
    set("sip_via_protocol", "udp");
    set("sip_from_user_stripped", from.trim_start_matches('+'));
    set("sip_from_tag", tag);
    set("sofia_profile_name", "trunk");
    set("sofia_profile_url", "sip:mod_sofia@127.0.0.1:5060");
    set("recovery_profile_name", "trunk");
    if let Some(asserted) = &invite.asserted {
        set("sip_P-Asserted-Identity", asserted);
        set("sip_cid_type", "pid");
    }
    if let Some(privacy) = &invite.privacy {
        set("sip_Privacy", privacy);
    }
    set("sip_full_via", &via);
    set("sip_full_from", &format!("<sip:{from}@{host}>;tag={tag}"));
    set("sip_full_to", &format!("<sip:{to}@127.0.0.1:5060>"));
    for kind in ["req", "to"] {
        set(&format!("sip_{kind}_user"), to);
        set(&format!("sip_{kind}_port"), "5060");
        set(&format!("sip_{kind}_uri"), &format!("{to}@127.0.0.1:5060"));
        set(&format!("sip_{kind}_host"), "127.0.0.1");
    }
    set("sip_contact_user", from);
    set("sip_contact_port", "5070");
    set("sip_contact_uri", &format!("{from}@127.0.0.1:5070"));
    set("sip_contact_host", "127.0.0.1");
    set("sip_via_host", "127.0.0.1");
    set("sip_via_port", "5070");
    set("max_forwards", "70");
    for (name, value) in &invite.variables {
        set(name, value);
    }
    for (name, value) in MEDIA {
        set(name, value);
    }
    set("endpoint_disposition", "RECEIVED");
    set("DP_MATCH", &format!("ARRAY::{to}|:{to}"));
    set("call_uuid", &uuid.to_string());
    variables
}

/// What a phone's SDP says.
pub(crate) const OFFER: &str = "v=0\r\no=user1 1 1 IN IP4 127.0.0.1\r\ns=-\r\n\
    c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6004 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n";

/// What the offer leaves in the variables.
pub(super) const MEDIA: [(&str, &str); 22] = [
    ("switch_r_sdp", OFFER),
    ("ep_codec_string", "CORE_PCM_MODULE.PCMA@8000h@20i@64000b"),
    ("rtp_use_codec_string", "PCMA,PCMU"),
    ("remote_video_media_flow", "inactive"),
    ("remote_text_media_flow", "inactive"),
    ("remote_audio_media_flow", "sendrecv"),
    ("audio_media_flow", "sendrecv"),
    ("remote_media_ip", "127.0.0.1"),
    ("remote_media_port", "6004"),
    ("rtp_audio_recv_pt", "8"),
    ("rtp_use_codec_name", "PCMA"),
    ("rtp_use_codec_rate", "8000"),
    ("rtp_use_codec_ptime", "20"),
    ("rtp_use_codec_channels", "1"),
    ("rtp_last_audio_codec_string", "PCMA@8000h@20i@1c"),
    ("read_codec", "PCMA"),
    ("original_read_codec", "PCMA"),
    ("read_rate", "8000"),
    ("original_read_rate", "8000"),
    ("write_codec", "PCMA"),
    ("write_rate", "8000"),
    ("dtmf_type", "rfc2833"),
];
