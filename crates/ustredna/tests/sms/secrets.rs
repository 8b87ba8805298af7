use std::{fs, time::Duration};

use crate::{
    house::{APIKEY, House, REPORTS, now, phone},
    provider::{Does, Provider},
};

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_no_error_and_no_list() {
    let house = House::new(4, false);
    let provider = Provider::default();
    let slow = Does::TakesAndAnswersAfter(Duration::from_secs(2));
    provider.plan(&phone(0), &[Does::Rejects]);
    provider.plan(&phone(1), &[slow]);
    provider.plan(&phone(2), &[Does::Throttles]);
    house.write_settings(provider.start().await, "");
    let settings = fs::read_to_string(house.path("ustredna.toml")).unwrap();
    fs::write(house.path("ustredna.toml"), format!("{settings}[log]\nlevel = \"trace\"\n"))
        .unwrap();
    let store = house.store().await;
    for shopper in 0..4 {
        house.miss(&store, shopper, 1, now()).await;
    }
    let mut exchange = house.serve();
    while provider.got().len() < 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut told = String::new();
    for arguments in [
        &["sms", "--json"][..],
        &["sms"],
        &["tickets", "--json"],
        &["sms", "preview"],
        &["check"],
        &["check", "--json"],
    ] {
        let done = house.command(arguments).output().unwrap();
        told.push_str(&String::from_utf8(done.stdout).unwrap());
        told.push_str(&String::from_utf8(done.stderr).unwrap());
    }
    exchange.kill().unwrap();
    exchange.wait().unwrap();
    assert!(told.contains("422"), "the refusal is listed: {told}");
    assert!(told.contains("the provider answers over HTTP"), "{told}");
    // Settings in which each secret stands where it does not belong.
    for (wrong, right) in [
        (format!("secrets = \"{APIKEY}\""), format!("secrets = {{ apikey = \"{APIKEY}\" }}")),
        (format!("secret = [\"{REPORTS}\"]"), format!("secret = \"{REPORTS}\"")),
        (format!("secret = \"{REPORTS}"), format!("secret = \"{REPORTS}\"")),
        (
            format!("secrets = {{ apikey = [\"{APIKEY}\"] }}"),
            format!("secrets = {{ apikey = \"{APIKEY}\" }}"),
        ),
        ("url = \"http://{nobody}@{provider}\"".to_owned(), format!("url = \"http://{}", "127")),
        (format!("form = \"{APIKEY}\" #"), "form =".to_owned()),
    ] {
        assert!(settings.contains(&right), "{right}");
        fs::write(house.path("ustredna.toml"), settings.replacen(&right, &wrong, 1)).unwrap();
        for command in [&["check"][..], &["sms"]] {
            let done = house.command(command).output().unwrap();
            assert!(!done.status.success(), "{wrong}");
            told.push_str(&String::from_utf8(done.stdout).unwrap());
            told.push_str(&String::from_utf8(done.stderr).unwrap());
        }
    }
    let log = fs::read_to_string(house.path("log")).unwrap();
    assert!(log.contains("SMS handed over") && log.contains("SMS given up"), "{log}");
    for secret in [APIKEY, REPORTS, "hunter2", "battery"] {
        for text in [&log, &told] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is told");
        }
    }
}
