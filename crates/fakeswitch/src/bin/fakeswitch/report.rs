//! What is told of the calls.

use std::{
    io::{self, Write},
    time::Duration,
};

use fakeswitch::{Seen, Sight, Transcript};
use serde_json::{Value, json};

/// A phone and how its call was.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) role: Role,
    pub(crate) number: String,
    pub(crate) transcript: Transcript,
}

/// At which end it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Caller,
    Callee,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }
}

/// Writes the reports for a terminal, or as JSON, an object a line.
pub(crate) fn write(to: &mut impl Write, reports: &[Report], as_json: bool) -> io::Result<()> {
    for report in reports {
        if as_json {
            writeln!(to, "{}", object(report))?;
        } else {
            writeln!(to, "{} {}", report.role.name(), report.number)?;
            writeln!(to, "{}", report.transcript)?;
        }
    }
    to.flush()
}

fn object(Report { role, number, transcript }: &Report) -> Value {
    let ended = transcript.ended().map(|(code, cause)| json!({"code": code, "cause": cause}));
    let shown = transcript.shown.as_ref();
    let pressed = transcript.pressed.iter();
    json!({
        "role": role.name(),
        "number": number,
        "leg": transcript.leg,
        "shown": shown.map(|shown| json!({"number": shown.number, "name": shown.name})),
        "seen": transcript.seen.iter().map(sight).collect::<Vec<_>>(),
        "pressed": pressed
            .map(|(after, key)| json!({"after_s": seconds(*after), "key": key}))
            .collect::<Vec<_>>(),
        "heard": transcript.heard(),
        "ended": ended,
        "failure": transcript.failure,
    })
}

fn sight(Seen { after, sight }: &Seen) -> Value {
    let after = seconds(*after);
    let plain = |name: &str| json!({"after_s": after, "sight": name});
    match sight {
        Sight::Ringing => plain("ringing"),
        Sight::EarlyMedia => plain("early_media"),
        Sight::Answered => plain("answered"),
        Sight::Hears(path) => json!({"after_s": after, "sight": "hears", "file": path}),
        Sight::HearsTone(tone) => json!({"after_s": after, "sight": "hears_tone", "tone": tone}),
        Sight::Quiet => plain("quiet"),
        Sight::Talking => plain("talking"),
        Sight::Parted => plain("parted"),
        Sight::Key(key) => json!({"after_s": after, "sight": "key", "key": key}),
        Sight::Ended { code, cause } => {
            json!({"after_s": after, "sight": "ended", "code": code, "cause": cause})
        }
    }
}

/// To the millisecond, as nobody wants more digits.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fakeswitch::{Seen, Shown, Sight, Transcript};
    use serde_json::Value;

    use super::{Report, Role, write};

    fn reports() -> [Report; 2] {
        let seen = |ms, sight| Seen { after: Duration::from_millis(ms), sight };
        let transcript = |shown, seen, failure| Transcript {
            leg: "ee067b11-8021-4b48-a0f9-8cb0b822be37".parse().unwrap(),
            shown,
            seen,
            pressed: vec![(Duration::from_millis(1250), '2')],
            failure,
        };
        let ended = Sight::Ended { code: 200, cause: "NORMAL_CLEARING".to_owned() };
        let hears = Sight::Hears("/sounds/cs/enter-id.wav".to_owned());
        let shopper = transcript(
            None,
            vec![seen(40, hears), Seen { after: Duration::from_micros(2_000_400), sight: ended }],
            None,
        );
        let shown = Shown { number: "+420777000111".to_owned(), name: String::new() };
        let dealer = transcript(Some(shown), vec![], Some("nobody spoke".to_owned()));
        [
            Report { role: Role::Caller, number: "+420601123456".into(), transcript: shopper },
            Report { role: Role::Callee, number: "+420234567890".into(), transcript: dealer },
        ]
    }

    fn written(as_json: bool) -> String {
        let mut to = Vec::new();
        write(&mut to, &reports(), as_json).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn people_read_a_list() {
        insta::assert_snapshot!(written(false), @r#"
        caller +420601123456
           0.040  hears /sounds/cs/enter-id.wav
           1.250  presses 2
           2.000  over: 200 NORMAL_CLEARING

        callee +420234567890
                  shows +420777000111 ""
           1.250  presses 2
          FAILED  nobody spoke
        "#);
    }

    #[test]
    fn programs_read_an_object_a_line() {
        let text = written(true);
        let objects: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [shopper, dealer] = objects.as_slice() else { panic!("{text}") };
        assert_eq!((&shopper["role"], &dealer["role"]), (&"caller".into(), &"callee".into()));
        assert_eq!(shopper["heard"], serde_json::json!(["enter-id"]));
        assert_eq!(shopper["seen"][0]["file"], "/sounds/cs/enter-id.wav");
        assert_eq!(shopper["seen"][1]["after_s"], 2.0);
        assert_eq!(shopper["ended"]["code"], 200);
        assert_eq!(shopper["pressed"][0]["key"], "2");
        assert_eq!((&shopper["shown"], &shopper["failure"]), (&Value::Null, &Value::Null));
        assert_eq!(dealer["shown"]["number"], "+420777000111");
        assert_eq!(dealer["failure"], "nobody spoke");
        assert_eq!(dealer["ended"], Value::Null);
    }
}
