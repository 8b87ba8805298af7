use super::{HttpReports, Report, ReportError, Reports, word};

fn settings(places: &str) -> HttpReports {
    let states = r#"
        secret = "0123456789abcdef"
        delivered = ["delivered", "1"]
        failed = ["failed", "undelivered", "2"]
        under_way = ["sent"]
    "#;
    toml::from_str(&format!("{states}\n{places}")).unwrap()
}

fn report(id: &str, delivered: bool, reason: &str) -> Report {
    Report { provider_id: id.into(), delivered, reason: Some(reason.into()), ..Report::default() }
}

const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn fields_come_in_the_query_or_in_a_form() {
    let settings =
        settings("id = \"MessageSid\"\nstatus = \"MessageStatus\"\nreason = \"ErrorCode\"");
    let call = "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&To=%2B420601123456";
    let expected = vec![report("SM1", false, "30003")];
    assert_eq!(settings.read(FORM, "", call.as_bytes()).unwrap().read, expected);
    assert_eq!(settings.read(None, call, b"").unwrap().read, expected);
    // Without its type, a body is no form.
    assert_eq!(
        settings.read(None, "", call.as_bytes()),
        Err(ReportError::Missing("MessageSid".into()))
    );
    let delivered = settings.read(None, "MessageSid=a%20b&MessageStatus=DELIVERED", b"").unwrap();
    assert_eq!(*delivered, [report("a b", true, "DELIVERED")]);
}

#[test]
fn a_state_on_the_way_is_no_report() {
    let settings = settings("id = \"id\"\nstatus = \"s\"");
    let sent = Reports { under_way: 1, ..Reports::default() };
    assert_eq!(settings.read(None, "id=1&s=sent", b"").unwrap(), sent);
    assert_eq!(
        settings.read(None, "id=1&s=new", b""),
        Err(ReportError::UnknownState("new".into()))
    );
    // What may be somebody's number is not repeated.
    let error = settings.read(None, "id=1&s=601123456", b"").unwrap_err();
    assert!(!error.to_string().contains("601123456"), "{error}");
}

#[test]
fn json_has_one_report_or_many() {
    let one = settings("id = \"/data/id\"\nstatus = \"/data/state\"");
    let body = br#"{"data":{"id":17,"state":1}}"#;
    assert_eq!(*one.read(None, "", body).unwrap(), [report("17", true, "1")]);
    assert_eq!(one.read(None, "", b"id=17"), Err(ReportError::NotJson));
    assert_eq!(one.read(None, "", b"{}"), Err(ReportError::Missing("/data/id".into())));

    let many = settings("list = \"/reports\"\nid = \"/id\"\nstatus = \"/s\"");
    let body = br#"{"reports":[{"id":"a","s":"failed"},{"id":"b","s":"sent"},{"id":"c","s":"delivered"}]}"#;
    assert_eq!(
        *many.read(None, "", body).unwrap(),
        [report("a", false, "failed"), report("c", true, "delivered")]
    );
    // The mark of UTF-8 before it, and blanks around words.
    let marked = b"\xef\xbb\xbf{\"data\":{\"id\":\" 17 \",\"state\":\"delivered \"}}";
    assert_eq!(*one.read(None, "", marked).unwrap(), [report("17", true, "delivered")]);
    let flood = format!("{{\"reports\":[{}0]}}", "0,".repeat(1_000));
    assert_eq!(many.read(None, "", flood.as_bytes()), Err(ReportError::TooMany));
}

#[test]
fn a_bad_report_does_not_take_the_others_with_it() {
    let many = settings("list = \"/r\"\nid = \"/id\"\nstatus = \"/s\"");
    let body = br#"{"r":[{"id":"a","s":"new"},{"s":"failed"},{"id":"b\u0000","s":"failed"},{"id":"c","s":"delivered"},7]}"#;
    let read = many.read(None, "", body).unwrap();
    assert_eq!(*read, [report("c", true, "delivered")]);
    assert_eq!(
        read.skipped,
        [
            ReportError::UnknownState("new".into()),
            ReportError::Missing("/id".into()),
            ReportError::Id("/id".into()),
            ReportError::Missing("/id".into()),
        ]
    );
    // One that is under way is understood, and enough for the call.
    let body = br#"{"r":[{"id":"a","s":"new"},{"id":"b","s":"sent"}]}"#;
    let read = many.read(None, "", body).unwrap();
    assert_eq!((read.len(), read.skipped.len()), (0, 1));
    // In this one there is nothing at all.
    let body = br#"{"r":[{"id":"a","s":"new"},7]}"#;
    assert_eq!(many.read(None, "", body), Err(ReportError::UnknownState("new".into())));
}

/// PostgreSQL would refuse the query for it, and the provider would repeat the call for ever.
#[test]
fn an_id_that_no_message_can_have_is_refused() {
    let settings = settings("id = \"id\"\nstatus = \"s\"");
    for id in ["a%00b", "%00", "a%1b", "", &"x".repeat(256)] {
        let refused = settings.read(None, &format!("id={id}&s=failed"), b"");
        assert_eq!(refused, Err(ReportError::Id("id".into())), "{id}");
    }
}

/// A double has no room for all digits: the next message would have the same id.
#[test]
fn a_number_that_lost_digits_is_no_id() {
    let settings = settings("id = \"/id\"\nstatus = \"/s\"");
    let read = |id: &str| {
        let body = format!("{{\"id\":{id},\"s\":\"failed\"}}");
        settings.read(None, "", body.as_bytes()).map(|reports| reports[0].provider_id.clone())
    };
    assert_eq!(read("18446744073709551615"), Ok("18446744073709551615".into()));
    for id in ["18446744073709551616", "123456789012345678901", "1e30"] {
        assert_eq!(read(id), Err(ReportError::Missing("/id".into())), "{id}");
    }
}

#[test]
fn the_secret_may_be_set_elsewhere_but_must_be_set() {
    let places = "id = \"id\"\nstatus = \"s\"\ndelivered = [\"d\"]\nfailed = [\"f\"]";
    let settings: HttpReports = toml::from_str(places).unwrap();
    assert!(settings.fault().unwrap().contains("`secret` is missing: write 16 characters or more"));
}

#[test]
fn the_secret_is_compared_whole() {
    let settings = settings("id = \"id\"\nstatus = \"s\"");
    assert!(settings.is_secret("0123456789abcdef"));
    for wrong in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef0"] {
        assert!(!settings.is_secret(wrong), "{wrong}");
    }
    assert!(!format!("{settings:?}").contains("0123456789"));
}

#[test]
fn settings_without_a_sense_are_named() {
    let good = settings("id = \"id\"\nstatus = \"s\"");
    assert_eq!(good.fault(), None);
    let short = HttpReports { secret: "short".into(), ..good.clone() };
    assert!(short.fault().unwrap().contains("16"));
    assert!(HttpReports { delivered: vec![], ..good.clone() }.fault().is_some());
    assert!(HttpReports { list: Some("/a".into()), ..good.clone() }.fault().is_some());
    let listed = HttpReports { id: "/i".into(), status: "/s".into(), ..good };
    let list = |list: &str| HttpReports { list: Some(list.into()), ..listed.clone() };
    assert_eq!(list("/a").fault(), None);
    assert!(list("a").fault().unwrap().contains("`list` begins with `/`"));
}

#[test]
fn words_of_a_provider_are_shown_if_they_are_harmless() {
    assert_eq!(word(" UNDELIV err 034 ").as_deref(), Some("UNDELIV err 034"));
    for hidden in ["", "to +420601123456", "601 123 456", "a\nb", &"x".repeat(65)] {
        assert_eq!(word(hidden), None, "{hidden}");
    }
}
