use std::{fs, time::Duration};

use super::*;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ustredna.toml");
    fs::write(&path, text).unwrap();
    let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    load(&path, true, environment).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_documented_example_is_the_default() {
    let documented = r#"
[exchange]
outbound_hotline = "+420234234399"
callback_hotline = "+420234234390"
country = "CZ"
language = "cs"
timezone = "Europe/Prague"
[database]
url = "sqlite://ustredna.db"
[switch]
listen = "127.0.0.1:8084"
allow = ["127.0.0.0/8"]
gateway = "carrier"
inbound = "127.0.0.1:8021"
ring_timeout = "40s"
max_calls = 1000
[callbacks]
ring_timeout = "25s"
sms_delay = "60s"
ticket_ttl = "7d"
[recordings]
dir = "recordings"
switch_dir = ""
required = true
[cdr]
dir = "cdr"
[prompts]
dir = "freeswitch-conf/sounds"
[sms]
gateway = "spool"
[sms.spool]
dir = "sms"
[web]
listen = "127.0.0.1:8080"
"#;
    let settings = read(documented, &[]).unwrap();
    assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    assert_eq!(settings.callbacks.ticket_ttl.std(), Duration::from_hours(7 * 24));
}

#[test]
fn a_missing_file_means_the_defaults_unless_it_was_named() {
    let nowhere = std::path::Path::new("no/such/ustredna.toml");
    assert!(load(nowhere, false, []).is_ok());
    assert!(
        format!("{:#}", load(nowhere, true, []).unwrap_err()).contains("no/such/ustredna.toml")
    );
}

#[test]
fn errors_name_the_key_the_line_and_what_is_allowed() {
    for (text, told) in [
        ("[exchange]\n\ncountri = \"CZ\"\n", vec!["line 3", "countri", "country"]),
        ("[exchnage]\n", vec!["line 1", "exchnage", "exchange"]),
        ("[exchange]\nlanguage = \"de\"\n", vec!["line 2", "de", "`cs`", "`en`"]),
        ("[switch]\nring_timeout = 40\n", vec!["line 2", "ring_timeout"]),
        ("[switch]\nring_timeout = \"soon\"\n", vec!["line 2", "soon", "40s"]),
        ("[switch]\nmax_calls = -1\n", vec!["line 2", "max_calls"]),
        ("[exchange]\ntimezone = \"Praha\"\n", vec!["line 2", "Europe/Prague"]),
        ("[exchange]\noutbound_hotline = \"234234399\"\n", vec!["line 2", "+420234234399"]),
        ("[sms]\ngateway = \"pigeon\"\n", vec!["line 2", "pigeon", "spool"]),
        ("[switch]\ngateway = \"a,b\"\n", vec!["line 2", "letters"]),
        ("[prompts]\ndir = \"my sounds\"\n", vec!["line 2", "letters"]),
        ("[exchange\n", vec!["line 1"]),
    ] {
        let error = read(text, &[]).unwrap_err();
        for part in told {
            assert!(error.contains(part), "{text:?} does not say {part:?}:\n{error}");
        }
    }
}

#[test]
fn values_of_no_use_are_refused() {
    for (text, told) in [
        ("[exchange]\ncallback_hotline = \"+420234234399\"\n", "exchange.callback_hotline"),
        ("[switch]\nmax_calls = 0\n", "switch.max_calls"),
        ("[switch]\nring_timeout = \"0s\"\n", "switch.ring_timeout"),
        ("[callbacks]\nring_timeout = \"10ms\"\n", "callbacks.ring_timeout"),
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn the_environment_overrides_every_kind_of_value() {
    let settings = read(
        "[switch]\nmax_calls = 5\n",
        &[
            ("USTREDNA_SWITCH__MAX_CALLS", "7"),
            ("USTREDNA_SWITCH__LISTEN", "127.0.0.1:9000"),
            ("USTREDNA_SWITCH__ALLOW", "[\"10.0.0.0/8\"]"),
            ("USTREDNA_SMS__SPOOL__DIR", "elsewhere"),
            ("USTREDNA_RECORDINGS__REQUIRED", "false"),
            ("USTREDNA_CALLBACKS__SMS_DELAY", "2s"),
            // A number where a text is wanted.
            ("USTREDNA_SWITCH__PASSWORD", "1234"),
            ("OTHER", "1"),
        ],
    )
    .unwrap();
    assert_eq!(settings.switch.max_calls, 7);
    assert_eq!(settings.switch.listen.port(), 9000);
    assert_eq!(settings.switch.allow[0].to_string(), "10.0.0.0/8");
    assert_eq!(settings.sms.spool.dir.to_str(), Some("elsewhere"));
    assert!(!settings.recordings.required);
    assert_eq!(settings.callbacks.sms_delay.std(), Duration::from_secs(2));
}

#[test]
fn a_wrong_variable_is_named_with_what_is_allowed() {
    let error = read("", &[("USTREDNA_SWITCH__MAX_CALLS", "many")]).unwrap_err();
    assert!(error.contains("USTREDNA_SWITCH__MAX_CALLS") && error.contains("u32"), "{error}");
    let error = read("", &[("USTREDNA_SWITCH__NOTHING", "1")]).unwrap_err();
    assert!(error.contains("USTREDNA_SWITCH__NOTHING") && error.contains("max_calls"), "{error}");
    assert!(read("", &[("USTREDNA_SWITCH", "1")]).is_err());
    assert!(read("", &[("USTREDNA_SWITCH__MAX_CALLS", "")]).is_err());
}

#[test]
fn an_error_shows_no_secret() {
    for text in [
        "[database]\nurl = \"postgres://u:hunter2@localhost/x\n",
        "[database]\nurl = postgres://u:hunter2@localhost/x\n",
        "[switch]\npassword = hunter2\n",
        "[switch]\npasword = \"hunter2\"\n",
        "[switch]\npassword = [\"hunter2\"]\n",
        "[switch]\npassword \"hunter2\"\n",
        "[switch]\npassword: \"hunter2\"\n",
        "\ndatabase = \"postgres://u:hunter2@localhost/x\"\n",
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{text}\n{error}");
    }
}

#[test]
fn secrets_are_not_in_the_debug_form() {
    let settings = read(
        "[database]\nurl = \"postgres://u:hunter2@localhost/x\"\n",
        &[("USTREDNA_SWITCH__PASSWORD", "hunter2")],
    )
    .unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}
