use std::time::Duration;

use super::super::{Script, ScriptError};

#[test]
fn text_and_methods_make_the_same_steps() {
    let second = Duration::from_secs(1);
    let text = "waits 2s; hears enter-id; keys 2#; rings 1.5s; rings; early media; answers;\n\
                rejects 486; talks 300ms; sings 440 2m; sings 440 until hangup 20s; listens 20s; \
                hangs up;";
    let built = Script::new()
        .waits(2 * second)
        .hears("enter-id")
        .keys("2#")
        .rings_for(Duration::from_millis(1500))
        .rings()
        .early_media()
        .answers()
        .rejects(486)
        .talks(Duration::from_millis(300))
        .sings(440, 120 * second)
        .sings_until_hangup(440, 20 * second)
        .listens(20 * second)
        .hangs_up();
    assert_eq!(text.parse(), Ok(built));
    let hour = Duration::from_hours(1);
    assert_eq!(
        "listens; sings 440 until hangup".parse(),
        Ok(Script::new().listens(hour).sings_until_hangup(440, hour))
    );
}

#[test]
fn what_is_no_script_says_why() {
    for (text, error) in [
        ("", ScriptError::Empty),
        (" ; ", ScriptError::Empty),
        ("dances", ScriptError::Step("dances".to_owned())),
        ("hangs", ScriptError::Step("hangs".to_owned())),
        ("answers; hears", ScriptError::Step("hears".to_owned())),
        ("waits 5", ScriptError::Time("5".to_owned())),
        ("waits -5s", ScriptError::Time("-5s".to_owned())),
        ("waits infs", ScriptError::Time("infs".to_owned())),
        ("waits 1e9s", ScriptError::Time("1e9s".to_owned())),
        ("waits 99999999999999999999s", ScriptError::Time("99999999999999999999s".to_owned())),
        ("waits ž", ScriptError::Time("ž".to_owned())),
        ("keys 2a", ScriptError::Keys("2a".to_owned())),
        ("rejects 200", ScriptError::Status("200".to_owned())),
        ("rejects busy", ScriptError::Status("busy".to_owned())),
        ("sings 5000 1s", ScriptError::Tone("5000".to_owned())),
    ] {
        assert_eq!(text.parse::<Script>(), Err(error), "{text}");
    }
}
