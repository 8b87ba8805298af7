use super::*;

#[tokio::test]
async fn settings_that_cannot_be_sent_are_refused() {
    let refused = |more: &str| {
        let toml = format!("host = \"h\"\nsystem_id = \"us\"\n{more}");
        let settings: SmppSettings = toml::from_str(&toml).unwrap();
        SmppGateway::start(settings, mpsc::unbounded_channel().0).unwrap_err()
    };
    let long = refused("password = \"123456789\"");
    assert_eq!(long, SmppSettingsError::Text { setting: "password", most: 8 });
    assert!(!long.to_string().contains("1234"));
    assert!(refused("password = \"p\"\nfrom = \"Žižka\"").to_string().contains("`from`"));
    assert_eq!(refused("password = \"p\"\nwindow = 0"), SmppSettingsError::Window);
    assert_eq!(refused(""), SmppSettingsError::NoPassword);
    assert!(refused("password = \"\"").to_string().contains("`password` is missing: set it"));
    let tls = refused("password = \"p\"\ntls = true\nca_file = \"/none.pem\"");
    assert!(tls.to_string().contains("/none.pem"), "{tls}");
}

#[test]
fn a_span_that_no_clock_can_show_is_refused() {
    let read = |key: &str, span: &str| {
        let toml = format!("host = \"h\"\nsystem_id = \"us\"\n{key} = \"{span}\"");
        toml::from_str::<SmppSettings>(&toml)
    };
    for key in ["connect_timeout", "response_timeout", "enquire_link", "reconnect_max"] {
        for span in ["500000000000y", "25h", "0s", ""] {
            let error = read(key, span).unwrap_err();
            assert!(error.message().contains("at most a day"), "{key} {span}: {error}");
        }
        assert!(read(key, "24h").is_ok(), "{key}");
    }
}

#[test]
fn a_try_has_time_for_every_part() {
    for (long, seconds) in [("payload", 7), ("udh", 9), ("sar", 9)] {
        let toml = format!(
            "host = \"h\"\nsystem_id = \"us\"\nlong = \"{long}\"\nconnect_timeout = \"5s\"\nresponse_timeout = \"2s\""
        );
        let settings: SmppSettings = toml::from_str(&toml).unwrap();
        assert_eq!(settings.longest(), Duration::from_secs(seconds), "{long}");
    }
}
