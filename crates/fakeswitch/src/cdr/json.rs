//! The shape of a CDR, its keys in FreeSWITCH's order (`switch_ivr_generate_json_cdr` in
//! switch_ivr.c).

use serde::{Serialize, Serializer};

use super::{Applied, Extension, Leg, Media, Profile, Times, media::Statistics};

/// CS_REPORTING.
const STATE: (&str, &str) = ("CS_REPORTING", "11");
/// The switch's name: what the machine is called.
const SWITCHNAME: &str = "fakeswitch";

#[derive(Serialize)]
pub(super) struct Cdr<'a> {
    #[serde(rename = "core-uuid")]
    core: String,
    switchname: &'static str,
    channel_data: ChannelData,
    #[serde(rename = "callStats")]
    call_stats: CallStats,
    #[serde(serialize_with = "in_order")]
    variables: &'a [(String, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    app_log: Option<AppLog<'a>>,
    callflow: [Callflow<'a>; 1],
}

#[derive(Serialize)]
struct ChannelData {
    state: &'static str,
    direction: &'static str,
    state_number: &'static str,
    flags: String,
    caps: &'static str,
}

#[derive(Serialize)]
struct CallStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Statistics>,
}

#[derive(Serialize)]
struct AppLog<'a> {
    applications: Vec<Logged<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "FreeSWITCH's names")]
struct Logged<'a> {
    app_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_data: Option<&'a str>,
    app_stamp: String,
}

#[derive(Serialize)]
struct Callflow<'a> {
    dialplan: &'static str,
    profile_index: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<Executed<'a>>,
    caller_profile: CallerProfile<'a>,
    times: CallTimes,
}

#[derive(Serialize)]
struct Executed<'a> {
    name: &'a str,
    number: &'a str,
    applications: Vec<Step<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_app: Option<&'a str>,
}

#[derive(Serialize)]
struct Step<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_executed: Option<&'static str>,
    app_name: &'a str,
    app_data: &'a str,
}

#[derive(Serialize)]
struct CallerProfile<'a> {
    #[serde(flatten)]
    own: OneProfile<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    originator: Option<Originator<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    originatee: Option<Originatee<'a>>,
}

#[derive(Serialize)]
struct Originator<'a> {
    originator_caller_profiles: [OneProfile<'a>; 1],
}

#[derive(Serialize)]
struct Originatee<'a> {
    originatee_caller_profiles: [OneProfile<'a>; 1],
}

#[derive(Serialize)]
struct OneProfile<'a> {
    username: &'a str,
    dialplan: &'static str,
    caller_id_name: &'a str,
    ani: &'a str,
    aniii: &'static str,
    caller_id_number: &'a str,
    network_addr: &'static str,
    rdnis: &'static str,
    destination_number: &'a str,
    uuid: String,
    source: &'static str,
    context: &'static str,
    chan_name: &'a str,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "FreeSWITCH's names")]
struct CallTimes {
    created_time: String,
    profile_created_time: String,
    progress_time: String,
    progress_media_time: String,
    answered_time: String,
    bridged_time: String,
    last_hold_time: &'static str,
    hold_accum_time: &'static str,
    hangup_time: String,
    resurrect_time: &'static str,
    transfer_time: &'static str,
}

impl<'a> Cdr<'a> {
    pub(super) fn of(leg: &Leg<'a>) -> Self {
        let peer = leg.peer.map(OneProfile::of);
        let (originator, originatee) = if leg.caller_leg {
            (None, peer.map(|peer| Originatee { originatee_caller_profiles: [peer] }))
        } else {
            (peer.map(|peer| Originator { originator_caller_profiles: [peer] }), None)
        };
        let app_log = (!leg.applications.is_empty())
            .then(|| AppLog { applications: leg.applications.iter().map(Logged::of).collect() });
        Self {
            core: leg.core.to_string(),
            switchname: SWITCHNAME,
            channel_data: ChannelData {
                state: STATE.0,
                direction: if leg.caller_leg { "inbound" } else { "outbound" },
                state_number: STATE.1,
                flags: flags(leg),
                caps: "1=1;2=1;3=1;4=1;5=1;6=1;8=1;9=1;10=1",
            },
            call_stats: CallStats { audio: leg.media.map(Media::statistics) },
            variables: leg.variables,
            app_log,
            callflow: [Callflow {
                dialplan: "XML",
                profile_index: "1",
                extension: leg.extension.map(Executed::of),
                caller_profile: CallerProfile {
                    own: OneProfile::of(leg.profile),
                    originator,
                    originatee,
                },
                times: CallTimes::of(leg.times),
            }],
        }
    }
}

/// The numbers of the flags that are up (`switch_channel_flag_t` in switch_types.h).
fn flags(leg: &Leg<'_>) -> String {
    let Times { progress, progress_media, answered, bridged, .. } = *leg.times;
    let (answered, bridged, media) = (answered != 0, bridged != 0, leg.media.is_some());
    let early = !answered && progress_media != 0;
    // Early media before it leave no room for ringing.
    let rang = progress != 0 && (progress_media == 0 || progress < progress_media);
    let up = [
        (0, true),
        (1, answered),
        (2, !leg.caller_leg),
        (3, early),
        (22, !leg.caller_leg),
        (39, media),
        (40, true),
        (42, true),
        (45, rang),
        (50, bridged),
        (55, media),
        (107, !leg.caller_leg && answered),
        (113, true),
        (114, true),
        (123, media),
        (160, media),
        (165, media),
        (166, media),
    ];
    let up: Vec<_> =
        up.iter().filter(|(_, up)| *up).map(|(number, _)| format!("{number}=1")).collect();
    up.join(";")
}

impl<'a> Logged<'a> {
    fn of(application: &'a Applied) -> Self {
        Self {
            app_name: &application.name,
            app_data: application.data.as_deref(),
            app_stamp: application.at.to_string(),
        }
    }
}

impl<'a> Executed<'a> {
    fn of(extension: Extension<'a>) -> Self {
        let Extension { name, number, applications, current } = extension;
        let step = |(place, (name, data)): (usize, &'a (String, String))| Step {
            last_executed: (place == current).then_some("true"),
            app_name: name,
            app_data: data,
        };
        Self {
            name,
            number,
            applications: applications.iter().enumerate().map(step).collect(),
            current_app: applications.get(current).map(|(name, _)| name.as_str()),
        }
    }
}

impl<'a> OneProfile<'a> {
    fn of(profile: &'a Profile) -> Self {
        Self {
            username: &profile.username,
            dialplan: "XML",
            caller_id_name: &profile.caller_id_name,
            ani: &profile.ani,
            aniii: "",
            caller_id_number: &profile.caller_id_number,
            network_addr: "127.0.0.1",
            rdnis: "",
            destination_number: &profile.destination_number,
            uuid: profile.uuid.to_string(),
            source: "mod_sofia",
            context: "public",
            chan_name: &profile.chan_name,
        }
    }
}

impl CallTimes {
    fn of(times: &Times) -> Self {
        Self {
            created_time: times.created.to_string(),
            profile_created_time: times.created.to_string(),
            progress_time: times.progress.to_string(),
            progress_media_time: times.progress_media.to_string(),
            answered_time: times.answered.to_string(),
            bridged_time: times.bridged.to_string(),
            last_hold_time: "0",
            hold_accum_time: "0",
            hangup_time: times.hungup.to_string(),
            resurrect_time: "0",
            transfer_time: "0",
        }
    }
}

/// A map of serde_json's own would sort the names.
fn in_order<S: Serializer>(
    variables: &&[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(variables.iter().map(|(name, value)| (name, value)))
}
