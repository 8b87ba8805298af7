use super::{
    Column::{Text, Time, Whole},
    *,
};

const SMS: [Column; 8] = [
    Whole("ID"),
    Time("WRITTEN"),
    Whole("TO"),
    Text("STATUS"),
    Time("SENT"),
    Whole("TRIES"),
    Text("TEXT"),
    Text("ERROR"),
];

fn sms() -> [[String; 8]; 2] {
    let row = |id: &str, status: &str, sent: &str, error: &str| {
        [
            id.to_owned(),
            "2026-11-22 10:31:45".to_owned(),
            "601123456".to_owned(),
            status.to_owned(),
            sent.to_owned(),
            "3".to_owned(),
            "Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (10:31). Volejte zpet 234234390."
                .to_owned(),
            error.to_owned(),
        ]
    };
    [
        row("3f2a9c1e", "delivered", "2026-11-22 10:32:50", ""),
        row(
            "4f2a9c1e",
            "sending, perhaps sent",
            "from 2026-11-22 10:33:00",
            "https://sms.example answered 503: try again later, and not before 10:40",
        ),
    ]
}

const CALLS: [Column; 8] = [
    Time("STARTED"),
    Whole("CALL"),
    Whole("SHOPPER"),
    Whole("NUMBER"),
    Whole("DEALER"),
    Text("OUTCOME"),
    Whole("TALK"),
    Whole("TICKET"),
];

fn calls() -> [[String; 8]; 2] {
    let row = |at: &str, outcome: &str, talk: &str| {
        let cells = [at, "return", "601123456", "777000111", "+4930901820", outcome, talk, ""];
        cells.map(str::to_owned)
    };
    [
        row("2026-11-22 10:31:45", "answered", "10:05"),
        row("2026-11-22 09:31:45", "refused: not a valid number", ""),
    ]
}

const PATH: &str = "2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav";

fn widest(lines: &[String]) -> usize {
    lines.iter().map(|line| line.chars().count()).max().unwrap()
}

/// Every word of every cell stands in the lines, unbroken.
fn holds<const N: usize>(lines: &[String], rows: &[[String; N]]) {
    let text = lines.join("\n");
    for word in rows.iter().flatten().flat_map(|cell| cell.split(' ')) {
        // Of times seconds and years may be missing.
        let word = match word.len() {
            8 if word.contains(':') => &word[..5],
            10 if word.starts_with("2026-") => &word[5..],
            _ => word,
        };
        assert!(text.contains(word), "`{word}` is missing or broken:\n{text}");
    }
}

#[test]
fn without_a_terminal_a_row_is_a_line() {
    let told = lines(SMS, sms(), None);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[2].contains("from 2026-11-22 10:33:00  3      Zmeskany"), "{told:#?}");
    holds(&told, &sms());
}

#[test]
fn a_message_can_be_read_on_80_columns() {
    let told = lines(SMS, sms(), Some(80)).join("\n");
    insta::assert_snapshot!(told, @r"
    ID        WRITTEN           TO         STATUS       SENT                   TRIES
    3f2a9c1e  2026-11-22 10:31  601123456  delivered    2026-11-22 10:32       3
        text: Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (10:31).
        Volejte zpet 234234390.
    4f2a9c1e  2026-11-22 10:31  601123456  sending,     from 2026-11-22 10:33  3
                                           perhaps
                                           sent
        text: Zmeskany hovor c. 2 od +420234567890 na Vase cislo 777000111 (10:31).
        Volejte zpet 234234390.
        error: https://sms.example answered 503: try again later, and not before
        10:40
    ");
}

#[test]
fn calls_fit_80_columns() {
    let told = lines(CALLS, calls(), Some(80)).join("\n");
    insta::assert_snapshot!(told, @r"
    STARTED          CALL   SHOPPER   NUMBER    DEALER      OUTCOME     TALK  TICKET
    2026-11-22 10:31 return 601123456 777000111 +4930901820 answered    10:05
    2026-11-22 09:31 return 601123456 777000111 +4930901820 refused:
                                                            not a valid
                                                            number
    ");
}

#[test]
fn a_path_goes_below_in_one_piece() {
    let columns = [Whole("VERDICT"), Whole("LENGTH"), Whole("BYTES"), Whole("KEPT"), Whole("PATH")];
    let row = ["one sided", "1:05", "1040044", "", PATH].map(str::to_owned);
    let told = lines(columns, [row], Some(80)).join("\n");
    insta::assert_snapshot!(told, @r"
    VERDICT    LENGTH  BYTES    KEPT
        PATH
    one sided  1:05    1040044
        2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav
    ");
}

#[test]
fn no_width_loses_or_breaks_a_word() {
    for room in 1..200 {
        let (messages, calls_told) =
            (lines(SMS, sms(), Some(room)), lines(CALLS, calls(), Some(room)));
        holds(&messages, &sms());
        holds(&calls_told, &calls());
        if room >= 80 {
            assert!(widest(&messages) <= room && widest(&calls_told) <= room, "{room}");
        }
    }
}

#[test]
fn times_keep_their_seconds_where_there_is_room() {
    assert!(lines(CALLS, calls(), Some(100)).join("\n").contains("10:31:45"));
    let minutes = lines(CALLS, calls(), Some(84)).join("\n");
    assert!(minutes.contains("2026-11-22 10:31 "), "{minutes}");
    // Not everything of a cell is a time.
    let column = [Time("PIN")];
    let row = || [["locked until 2026-11-22 10:31:45".to_owned()], ["yes".to_owned()]];
    assert_eq!(lines(column, row(), Some(31))[1], "locked until 2026-11-22 10:31");
    assert_eq!(lines(column, row(), Some(24))[1], "locked until 11-22 10:31");
    let years = [["2026-11-22 10:31:45".to_owned()], ["2025-11-22 10:31:45".to_owned()]];
    assert_eq!(lines(column, years, Some(12))[1], "2026-11-22 10:31", "whose year matters");
}

#[test]
fn wide_characters_are_counted_as_terminals_do() {
    let rows = [["漢字", "1"], ["Nováková", "2"]].map(|row| row.map(str::to_owned));
    let told = lines([Text("NAME"), Whole("ID")], rows, Some(80));
    assert_eq!(told[1..], ["漢字      1", "Nováková  2"]);
}

#[test]
fn no_text_turns_its_row_around() {
    for harmful in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{200e}', '\u{200b}']
    {
        assert_eq!(super::printable(&format!("a{harmful}b")), "a\u{fffd}b");
    }
    assert_eq!(super::printable("👩\u{200d}🔧 – č"), "👩\u{200d}🔧 – č");
}
