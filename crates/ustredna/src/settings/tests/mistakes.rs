//! What somebody may mistype: each wrong value of each setting is told in an operator's words.

use super::{super::SECTIONS, read};

/// Words of Rust, serde and TOML's parser, which say nothing to an operator.
const FOREIGN: [&str; 14] = [
    "u16",
    "u32",
    "i64",
    "struct",
    "sequence",
    "invalid type",
    "invalid value",
    "variant",
    "expected",
    "wanted",
    "element",
    "overflow",
    "unclosed",
    "duplicate key",
];

/// Not one of them is right for any setting, but for texts, lists and tables that some are.
const WRONG: [&str; 32] = [
    "-3",
    "1.5",
    "nan",
    "-inf",
    "1e400",
    "99999999999999999999",
    "2026-11-22",
    "10:30:00",
    "2026-11-22T10:30:00Z",
    "[]",
    "[1]",
    "[[]]",
    "[{}]",
    "[\"\\u0000\"]",
    "{}",
    "{ a = 1 }",
    "{ a = {} }",
    "{ \" \" = 1 }",
    "99999999999999",
    "\"a, b\"",
    "\"\"",
    "\" \"",
    "\"/\"",
    "\".\"",
    "\"a\\nb\"",
    "\"\\u0000\"",
    "\"\\u202e\"",
    "\"127.0.0.1:0\"",
    "\"0s\"",
    "[1",
    "{ a = 1",
    "“40s”",
];

/// Settings in which any text that can be seen will do; what it must be is known elsewhere, if at all.
const TEXTS: [&str; 14] = [
    "exchange.name",
    "switch.password",
    "recordings.dir",
    "cdr.dir",
    "cdr.keep",
    "sms.spool.dir",
    "sms.texts.missed",
    "sms.texts.missed_unnumbered",
    "sms.texts.withheld",
    "sms.texts.digest",
    "sms.texts.digest_withheld",
    "recordings.switch_dir",
    "prompts.dir",
    "switch.gateway",
];

/// Of those that are no texts: what is right for them all the same.
fn is_right(path: &str, value: &str) -> bool {
    let empty_list = ["alarm.command", "destinations.allow", "destinations.deny"];
    match value {
        "[]" => empty_list.contains(&path),
        "{}" | "{ a = 1 }" => path.ends_with("retention.projects"),
        // A hundred terabytes.
        "99999999999999" => path == "recordings.min_free",
        "\"0s\"" => ["exchange.drain", "callbacks.sms_delay", "sms.ticket_gap"].contains(&path),
        _ => false,
    }
}

fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_section = |path: String| {
        let known = SECTIONS.iter().any(|(section, _)| *section == path);
        known || ["sms.http", "sms.smpp", "sms.reports"].contains(&path.as_str())
    };
    SECTIONS
        .into_iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| (section, *key)))
        .filter(move |(section, key)| !is_section(format!("{section}.{key}")))
}

#[track_caller]
fn speaks_plainly(error: &str, what: &str) {
    assert!(error.contains("write "), "{what}: {error}");
    for foreign in FOREIGN {
        assert!(!error.contains(foreign), "{what}: {error}");
    }
}

#[test]
fn every_setting_says_what_is_allowed() {
    let (mut in_file, mut in_environment) = (0, 0);
    for (section, key) in settings() {
        for value in WRONG {
            let path = format!("{section}.{key}");
            let what = format!("{path} = {value}");
            let text = TEXTS.contains(&path.as_str()) || section.starts_with("sms.texts.");
            let right = is_right(&path, value);
            match read(&format!("\n[{section}]\n{key} = {value}\n"), &[]) {
                Ok(_) => assert!(text && value.starts_with('"') || right, "{what} is taken"),
                Err(error) => {
                    in_file += 1;
                    assert!(error.contains("line 3"), "{what}: {error}");
                    assert!(error.contains(key), "{what}: {error}");
                    speaks_plainly(&error, &what);
                    assert!(!right, "{what}: {error}");
                }
            }
            let variable = format!("USTREDNA_{section}__{key}").replace('.', "__").to_uppercase();
            match read("", &[(&variable, value)]) {
                Ok(_) => assert!(text || right, "{what} is taken"),
                Err(error) => {
                    in_environment += 1;
                    assert!(error.contains(&variable), "{what}: {error}");
                    speaks_plainly(&error, &what);
                    let list = value.starts_with(['[', '{', '“']);
                    assert!(list || !error.contains("quotes"), "{what}: {error}");
                }
            }
        }
    }
    assert!(in_file > 1500 && in_environment > 1000, "{in_file}, {in_environment}");
}

/// The same of what has no place in a file's text.
#[test]
fn settings_of_folders_and_names_can_be_seen() {
    for path in
        ["recordings.dir", "cdr.dir", "cdr.keep", "sms.spool.dir", "exchange.name", "database.url"]
    {
        for value in [" ", "a\nb", "\0", "\u{1b}[2J", "\u{202e}", "\u{3164}"] {
            let variable = format!("USTREDNA_{}", path.replace('.', "__").to_uppercase());
            let error = read("", &[(&variable, value)]).unwrap_err();
            assert!(error.contains(&variable), "{path} = {value:?}: {error}");
            speaks_plainly(&error, path);
        }
    }
}

#[test]
fn wrong_values_are_told_with_an_example() {
    for (line, told) in [
        ("switch.listen = \"localhost:8084\"", "\"127.0.0.1:8084\""),
        ("switch.listen = \"0.0.0.0\"", "no address with a port"),
        ("switch.listen = \"127.0.0.1:99999\"", "no address with a port"),
        ("switch.listen = 8084", "\"127.0.0.1:8084\""),
        ("switch.listen = 127.0.0.1:8084", "quotes"),
        (
            "switch.allow = [\"127.0.0.0/8\", \"10.0.0.0/33\"]",
            "`switch.allow`: `10.0.0.0/33` is no network",
        ),
        ("switch.allow = [\"10.0.0.0/33\"]", "0 to 32"),
        ("switch.allow = \"10.0.0.0/8\"", "a list in brackets"),
        ("switch.allow = []", "no FreeSWITCH could connect"),
        ("switch.ring_timeout = 40", "\"40s\""),
        ("switch.ring_timeout = 40s", "\"40s\""),
        ("switch.ring_timeout = \"40\"", "\"40s\""),
        ("switch.ring_timeout = \"-3s\"", "\"40s\""),
        ("switch.ring_timeout = \"11y\"", "\"3650d\" at most"),
        ("recordings.retention.days = -3", "at most 36500"),
        ("recordings.retention.projects = { Auto = -3 }", "at most 36500"),
        ("recordings.required = \"yes\"", "true or false"),
        ("recordings.required = yes", "quotes"),
        ("recordings.min_free = \"500 megs\"", "\"500MB\""),
        ("exchange.country = \"cz\"", "two capital letters"),
        ("exchange.country = CZ", "quotes"),
        ("exchange.timezone = \"Europe/Prag\"", "did you mean \"Europe/Prague\"?"),
        ("exchange.language = \"cz\"", "did you mean \"cs\"?"),
        ("exchange.language = 5", "\"cs\" or \"en\""),
        ("log.format = \"xml\"", "\"text\" or \"json\""),
        ("log.level = \"warning\"", "did you mean \"warn\"?"),
        ("sms.spool.form = 5", "\"json\" or \"smstools\""),
        ("destinations.allow = [\"4202\"]", "\"+4209\""),
        ("cdr.dir = \"\"", "cdr.dir is empty"),
        ("[sms.http]\nurl = \"https://x\"\ntimeout = 30", "\"30s\""),
        ("[sms.http]\nurl = \"https://x\"\nmethod = \"post\"", "did you mean \"POST\"?"),
        ("[sms.smpp]\nhost = \"x\"\nsystem_id = \"x\"\nport = \"2775\"", "0 to 65535"),
    ] {
        let error = read(line, &[]).unwrap_err();
        let expected = format!("line {}", line.lines().count());
        assert!(error.contains(told) && error.contains(&expected), "{line}: {error}");
    }
    assert!(read("switch.allow = [\"192.0.2.7\", \"::1\", \"2001:db8::/32\"]", &[]).is_ok());
}

#[test]
fn what_was_meant_by_an_unknown_key_is_told() {
    for (text, told) in [
        (
            "[exchange]\ncountri = \"CZ\"",
            "line 2, `exchange.countri`: there is no such key; did you mean `country`?",
        ),
        (
            "[exchnage]\ncountry = \"CZ\"",
            "line 1, `exchnage`: there is no such section; did you mean `exchange`?",
        ),
        (
            "[exchange]\nring_timeout = \"40s\"",
            "there is no such key; it is a key of [switch] and of [callbacks]",
        ),
        ("max_calls = 5", "there is no such key outside a section; it is a key of [switch]"),
        ("[switch]\ncolour = 1", "there is no such key (allowed here: `listen`, `allow`"),
        (
            "[sms.http]\nurl = \"https://x\"\ntimout = \"3s\"",
            "`sms.http.timout`: there is no such key; did you mean `timeout`?",
        ),
        ("[sms.smp]\nhost = \"x\"", "`sms.smp`: there is no such section; did you mean `smpp`?"),
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
    }
    for (variable, told) in [
        ("USTREDNA_SWITCH__LISTN", "there is no such key; did you mean `listen`?"),
        ("USTREDNA_SWTCH__LISTEN", "there is no such section; did you mean `switch`?"),
        ("USTREDNA_EXCHANGE__RING_TIMEOUT", "it is a key of [switch] and of [callbacks]"),
    ] {
        let error = read("", &[(variable, "x")]).unwrap_err();
        assert!(error.contains(variable) && error.contains(told), "{error}");
    }
}

#[test]
fn what_is_of_no_use_together_is_told_with_its_place() {
    let error = read("[switch]\n\nmax_calls = 0\n", &[]).unwrap_err();
    assert!(error.contains("ustredna.toml, line 3: switch.max_calls = 0"), "{error}");
    let error = read("[switch]\nmax_calls = 5\n", &[("USTREDNA_SWITCH__MAX_CALLS", "0")]);
    let error = error.unwrap_err();
    assert!(error.starts_with("environment variable USTREDNA_SWITCH__MAX_CALLS: "), "{error}");
}
