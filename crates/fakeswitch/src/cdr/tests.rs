use std::{collections::BTreeMap, fmt, fs, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use uuid::Uuid;

use super::{Applied, Extension, Leg, Media, Profile, Times, write};

/// JSON that knows in which order its keys came.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Text(String),
    Number(f64),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what a CDR has")
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of packets")]
            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
                Ok(Json::Number(number))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Json::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = map.next_entry()? {
                    items.push(item);
                }
                Ok(Json::Object(items))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Json {
    fn find(&self, name: &str) -> Option<&Json> {
        let Self::Object(items) = self else { panic!("{self:?} is no object") };
        items.iter().find(|(known, _)| known == name).map(|(_, json)| json)
    }

    fn at(&self, path: &str) -> &Json {
        path.split('.').fold(self, |json, name| match json {
            Json::List(items) => &items[name.parse::<usize>().unwrap()],
            Json::Object(_) | Json::Text(_) | Json::Number(_) => {
                json.find(name).unwrap_or_else(|| panic!("no {path}"))
            }
        })
    }

    fn text(&self, path: &str) -> &str {
        let Self::Text(text) = self.at(path) else { panic!("{path} is no text") };
        text
    }

    fn list(&self, path: &str) -> &[Json] {
        let Self::List(items) = self.at(path) else { panic!("{path} is no list") };
        items
    }

    fn pairs(&self, path: &str) -> Vec<(String, String)> {
        let Self::Object(items) = self.at(path) else { panic!("{path} is no object") };
        items.iter().map(|(name, _)| (name.clone(), self.at(path).text(name).to_owned())).collect()
    }

    /// Without the values that a simulation cannot have.
    fn comparable(mut self) -> Self {
        let Self::Object(items) = &mut self else { panic!("no object") };
        for (name, json) in items {
            match name.as_str() {
                "switchname" => *json = Self::Text(String::new()),
                "callStats" => json.forget_numbers(),
                _ => {}
            }
        }
        self
    }

    fn forget_numbers(&mut self) {
        match self {
            Self::Object(items) => items.iter_mut().for_each(|(_, json)| json.forget_numbers()),
            Self::List(items) => items.iter_mut().for_each(Json::forget_numbers),
            Self::Number(number) => *number = 0.0,
            Self::Text(_) => {}
        }
    }
}

/// Every capture, with its name.
fn captures() -> BTreeMap<String, Json> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cdr");
    let found: BTreeMap<_, _> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), serde_json::from_slice(&text).unwrap())
        })
        .collect();
    assert!(found.len() >= 9, "{found:?}");
    found
}

fn uuid(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn profile(json: &Json) -> Profile {
    let text = |name: &str| json.text(name).to_owned();
    Profile {
        username: text("username"),
        caller_id_name: text("caller_id_name"),
        caller_id_number: text("caller_id_number"),
        ani: text("ani"),
        destination_number: text("destination_number"),
        uuid: uuid(json.text("uuid")),
        chan_name: text("chan_name"),
    }
}

fn times(cdr: &Json) -> Times {
    let time = |name: &str| cdr.at("callflow.0.times").text(name).parse().unwrap();
    Times {
        created: time("created_time"),
        progress: time("progress_time"),
        progress_media: time("progress_media_time"),
        answered: time("answered_time"),
        bridged: time("bridged_time"),
        hungup: time("hangup_time"),
    }
}

fn applications(cdr: &Json) -> Vec<Applied> {
    let Some(log) = cdr.find("app_log") else { return Vec::new() };
    let applied = |json: &Json| Applied {
        name: json.text("app_name").to_owned(),
        data: json.find("app_data").map(|_| json.text("app_data").to_owned()),
        at: json.text("app_stamp").parse().unwrap(),
    };
    log.list("applications").iter().map(applied).collect()
}

#[test]
fn a_leg_with_a_captures_facts_has_the_captures_record() {
    let dir = tempfile::tempdir().unwrap();
    for (name, capture) in captures() {
        let own = capture.at("callflow.0.caller_profile");
        let (caller_leg, peer) = if name.ends_with(".a.cdr.json") {
            (true, own.find("originatee").map(|json| json.at("originatee_caller_profiles.0")))
        } else {
            (false, own.find("originator").map(|json| json.at("originator_caller_profiles.0")))
        };
        let peer = peer.map(profile);
        let steps = capture.at("callflow.0").find("extension").map(|extension| {
            let step = |json: &Json| (json.text("app_name").into(), json.text("app_data").into());
            let steps: Vec<_> = extension.list("applications").iter().map(step).collect();
            let current = extension.list("applications");
            let current = current.iter().position(|json| json.find("last_executed").is_some());
            (extension.text("name"), extension.text("number"), steps, current.unwrap())
        });
        let extension = steps.as_ref().map(|(name, number, applications, current)| Extension {
            name,
            number,
            applications,
            current: *current,
        });
        let media = capture.at("callStats").find("audio").map(|_| Media::default());
        let path = write(
            dir.path(),
            &Leg {
                core: uuid(capture.text("core-uuid")),
                uuid: uuid(own.text("uuid")),
                caller_leg,
                variables: &capture.pairs("variables"),
                applications: &applications(&capture),
                extension,
                profile: &profile(own),
                peer: peer.as_ref(),
                times: &times(&capture),
                media: media.as_ref(),
            },
        )
        .unwrap();

        let prefix = if caller_leg { "a_" } else { "" };
        let file = format!("{prefix}{}.cdr.json", own.text("uuid"));
        assert_eq!(path, dir.path().join(file), "{name}");
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with("}\n"), "{name}");
        let written: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(written.comparable(), capture.comparable(), "{name}");
    }
}

/// Those of `all` that `some` has the names of.
fn named<'a>(all: &'a [(String, String)], some: &[(String, String)]) -> Vec<&'a (String, String)> {
    all.iter().filter(|(name, _)| some.iter().any(|(known, _)| known == name)).collect()
}

#[test]
fn times_make_the_captures_variables() {
    for (name, capture) in captures() {
        let all = capture.pairs("variables");
        let value = |name: &str| {
            all.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
        };
        let keys = if value("digits_dialed") == "none" { "" } else { value("digits_dialed") };
        let made = times(&capture).variables(
            keys,
            applications(&capture).last(),
            &profile(capture.at("callflow.0.caller_profile")),
        );
        assert_eq!(named(&all, &made), made.iter().collect::<Vec<_>>(), "{name}");
        let first = all.iter().position(|(name, _)| name == "digits_dialed").unwrap();
        assert_eq!(all[first..][..made.len()], made, "{name}: all of them");
    }
}

#[test]
fn media_make_the_captures_variables() {
    let media = Media { spoke: Duration::from_secs(3), heard: Duration::from_secs(4), keys: 2 };
    let made = media.variables();
    for (name, capture) in captures() {
        if capture.at("callStats").find("audio").is_some() {
            let all = capture.pairs("variables");
            let names = |pairs: &[(String, String)]| {
                pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
            };
            assert_eq!(names(&all[all.len() - made.len()..]), names(&made), "{name}");
        }
    }
    let value = |name: &str| &made.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(value("rtp_audio_in_media_packet_count"), "150");
    assert_eq!(value("rtp_audio_in_dtmf_packet_count"), "14");
    assert_eq!(value("rtp_audio_out_raw_bytes"), "34400");
    assert_eq!(value("rtp_audio_in_mos"), "4.50");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let captures = captures();
    let capture = &captures["hotline_a_noanswer.b.cdr.json"];
    let own = profile(capture.at("callflow.0.caller_profile"));
    let leg = Leg {
        core: own.uuid,
        uuid: own.uuid,
        caller_leg: false,
        variables: &[],
        applications: &[],
        extension: None,
        profile: &own,
        peer: None,
        times: &Times::default(),
        media: None,
    };
    assert!(write(&file, &leg).is_err());
}
