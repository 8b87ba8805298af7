use super::*;

#[test]
fn the_shipped_configuration_is_as_shipped() {
    for part in PARTS {
        let shipped = facts(part.file, part.root);
        assert!(!shipped.is_empty(), "{}", part.name);
        let told: Vec<_> = part.differences(part.file, "carrier").into_iter().collect();
        assert!(told.is_empty(), "{}: {}", part.name, told[0].told);
    }
    let key =
        ("configuration(sofia.conf)/profiles/profile(trunk)/settings", "param caller-id-type");
    let sofia = facts(PARTS[0].file, PARTS[0].root);
    assert_eq!(sofia[&(key.0.to_owned(), key.1.to_owned())], "none");
    let globals = globals();
    let answer = &globals["execute_on_answer_by_any_way"];
    assert_eq!(answer, "execute_extension answered XML answered");
    assert!(!globals.contains_key("carrier_cidr") && !globals.contains_key("cdr_dir"));
    assert!(modules().contains(&"mod_sofia".to_owned()));
}

#[test]
fn what_is_changed_overridden_or_left_out_is_told() {
    let sofia = &PARTS[0];
    let told = |from: &str, to: &str| {
        assert!(sofia.file.contains(from), "{from}");
        sofia.differences(&sofia.file.replace(from, to), "carrier")
    };
    let param = "<param name=\"pass-callee-id\" value=\"false\"/>";
    for to in
        ["", &param.replace("false", "true"), &format!("{param}{}", param.replace("false", "true"))]
    {
        let found = told(param, to);
        assert_eq!(found.len(), 1, "{to}");
        assert_eq!(found[0].told, "sofia.xml: param pass-callee-id is not \"false\"");
        assert!(!found[0].is_free);
    }
    let found =
        told("name=\"session-timeout\" value=\"1800\"", "name=\"session-timeout\" value=\"90\"");
    assert!(found[0].is_free);
    // More than that may be there.
    assert!(told(param, &format!("{param}<param name=\"tls\" value=\"true\"/>")).is_empty());
    assert!(sofia.differences("can't find anything\n", "carrier").len() > 30);
}

#[test]
fn a_gateway_of_another_name_is_as_good() {
    let sofia = &PARTS[0];
    let renamed = sofia.file.replace("gateway name=\"carrier\"", "gateway name=\"north\"");
    assert!(sofia.differences(&renamed, "north").is_empty());
    assert!(!sofia.differences(&renamed, "carrier").is_empty());
}

#[test]
fn a_dialplan_that_leaves_out_or_changes_an_action_is_told() {
    let dialplan = &PARTS[1];
    let without = dialplan.file.replace("data=\"sip_copy_custom_headers=false\"", "data=\"x=1\"");
    let told: Vec<_> =
        dialplan.differences(&without, "carrier").into_iter().map(|found| found.told).collect();
    assert_eq!(told, ["dialplan.xml: set sip_copy_custom_headers is not \"false\""]);
}

#[test]
fn what_is_no_xml_yields_nothing_and_no_panic() {
    for text in ["", "<", "<a", "</", "<a b=\"", "<!--", "<a b=\"c>", "a>b<", "<a/></a></a>"] {
        let _tags = tags(text);
        assert!(facts(text, ("a", "")).is_empty(), "{text}");
    }
}
