use exchange::{model::Language, number::PhoneNumber};
use jiff::Timestamp;

use super::fixture::{World, after, dealer, eva, f1, f2, id, morning, new_shopper, phone};
use crate::{Filter, ImportError, ImportReport, ImportRow};

fn row(line: u64, shopper: PhoneNumber, number: PhoneNumber) -> ImportRow {
    ImportRow {
        line,
        shopper_phone: shopper,
        shopper_name: None,
        language: None,
        fictitious_number: number,
        number: None,
        project: None,
        valid_from: None,
        valid_to: None,
    }
}

async fn import(
    world: &World,
    rows: &[ImportRow],
    now: Timestamp,
) -> Result<ImportReport, ImportError> {
    world.store.import(rows, Language::English, now, false, &mut |_| ()).await
}

/// Shopper, ID, number and project of all current pairings.
async fn pairings(world: &World) -> Vec<(PhoneNumber, u16, PhoneNumber, Option<String>)> {
    let rows = world.store.pairings(&Filter::default(), false).await.unwrap();
    rows.into_iter()
        .map(|row| (row.shopper, row.number.value(), row.fictitious_number, row.project))
        .collect()
}

pub(super) async fn the_same_table_again_changes_nothing(world: World) {
    let jan = phone("+420602222333");
    let mut rows = vec![row(2, eva(), f1()), row(3, eva(), f2()), row(4, jan.clone(), dealer(1))];
    rows[1].shopper_name = Some("Eva".to_owned());
    rows[2].language = Some(Language::Czech);
    rows[2].valid_from = Some(after(5));
    let mut done = Vec::new();
    let report = world
        .store
        .import(&rows, Language::English, morning(), false, &mut |lines| done.push(lines))
        .await
        .unwrap();
    assert_eq!(done, [1, 2, 3]);
    let first = ImportReport {
        rows: 3,
        shoppers_created: 2,
        numbers_created: 3,
        pairings_created: 3,
        ..ImportReport::default()
    };
    assert_eq!(report, first);
    let expected = [(eva(), 1, f1(), None), (eva(), 2, f2(), None), (jan, 1, dealer(1), None)];
    assert_eq!(pairings(&world).await, expected);
    let shoppers = world.store.shoppers().await.unwrap();
    assert_eq!(shoppers[0].name.as_deref(), Some("Eva"));
    assert_eq!((shoppers[0].language, shoppers[1].language), (Language::English, Language::Czech));

    let again = import(&world, &rows, after(1)).await.unwrap();
    let nothing = ImportReport { rows: 3, pairings_unchanged: 3, ..ImportReport::default() };
    assert_eq!(again, nothing);
    assert_eq!(pairings(&world).await, expected);
    assert_eq!(world.store.shoppers().await.unwrap(), shoppers);
}

pub(super) async fn a_table_changes_what_it_says_and_keeps_the_rest(world: World) {
    let world = world.with_eva().await;
    let mut rows = vec![row(2, eva(), f1())];
    rows[0].shopper_name = Some("Eva".to_owned());
    rows[0].project = Some("zima".to_owned());
    rows[0].number = Some(id(1));
    let report = import(&world, &rows, after(1)).await.unwrap();
    assert_eq!((report.shoppers_updated, report.pairings_updated), (1, 1));
    assert_eq!(pairings(&world).await, [(eva(), 1, f1(), Some("zima".to_owned()))]);
    let shopper = world.store.shoppers().await.unwrap().remove(0);
    assert_eq!((shopper.name.as_deref(), shopper.language), (Some("Eva"), Language::Czech));
}

pub(super) async fn every_bad_line_is_named_and_nothing_imported(world: World) {
    let world = world.with_eva().await;
    let jan = phone("+420602222333");
    let (pavel, spare) = (phone("+420603444555"), phone("+420777000119"));
    world.store.add_shopper(&new_shopper(pavel.clone()), morning()).await.unwrap();
    world.store.add_number(&spare, None, morning()).await.unwrap();
    let mut rows = vec![
        row(2, jan.clone(), f2()),
        row(3, jan.clone(), f1()),
        row(4, eva(), dealer(1)),
        row(5, eva(), f1()),
        row(6, jan.clone(), f2()),
        row(7, eva(), dealer(2)),
        row(8, jan.clone(), pavel),
        row(9, spare, dealer(3)),
        row(10, jan.clone(), dealer(4)),
        row(11, eva(), dealer(5)),
        row(12, eva(), dealer(6)),
    ];
    rows[0].language = Some(Language::Czech);
    rows[2].number = Some(id(1));
    rows[3].number = Some(id(4));
    rows[5].valid_from = Some(after(9));
    rows[5].valid_to = Some(after(9));
    rows[8].language = Some(Language::English);
    rows[9].number = Some(id(999));
    let Err(ImportError::Lines(problems)) = import(&world, &rows, after(1)).await else {
        panic!("a bad table was imported");
    };
    let texts: Vec<_> =
        problems.iter().map(|(line, problem)| format!("{line}: {problem}")).collect();
    let expected = [
        "3: the fictitious number +420777000111 is already paired with another shopper, +420601123456",
        "4: the shopper +420601123456 has ID 1 for +420777000111 already",
        "5: the fictitious number +420777000111 stands in line 3 already",
        "5: +420777000111 is paired with this shopper as ID 1, and IDs do not change",
        "6: the fictitious number +420777000112 stands in line 2 already",
        "7: valid_to is not after valid_from",
        "7: no ID is left after the highest of the shopper +420601123456",
        "8: +420603444555 is a shopper's phone and cannot be a fictitious number too",
        "9: +420777000119 is a fictitious number and cannot be a shopper's phone too",
        "10: the shopper +420602222333 has another name or language in line 2",
        "12: no ID is left after the highest of the shopper +420601123456",
    ];
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.starts_with(expected), "{text}\n{expected}");
    }
    assert_eq!(texts.len(), expected.len(), "{texts:#?}");
    assert_eq!(pairings(&world).await.len(), 1);
    assert_eq!(world.store.shoppers().await.unwrap().len(), 2);
    assert_eq!(world.store.numbers().await.unwrap().len(), 2);
}

pub(super) async fn a_rehearsal_writes_nothing(world: World) {
    let rows = [row(2, eva(), f1())];
    let report =
        world.store.import(&rows, Language::Czech, morning(), true, &mut |_| ()).await.unwrap();
    assert_eq!((report.shoppers_created, report.pairings_created), (1, 1));
    assert!(world.store.shoppers().await.unwrap().is_empty());
    assert!(world.store.numbers().await.unwrap().is_empty());
}

pub(super) async fn ids_written_further_down_are_left_free(world: World) {
    let mut rows = vec![row(2, eva(), f1()), row(3, eva(), f2())];
    rows[1].number = Some(id(1));
    import(&world, &rows, morning()).await.unwrap();
    assert_eq!(pairings(&world).await, [(eva(), 1, f2(), None), (eva(), 2, f1(), None)]);
}

pub(super) async fn a_line_displaces_an_expired_pairing(world: World) {
    let mut rows = vec![row(2, eva(), f1())];
    rows[0].valid_to = Some(after(100));
    import(&world, &rows, morning()).await.unwrap();
    let jan = phone("+420602222333");
    world.store.add_shopper(&new_shopper(jan.clone()), morning()).await.unwrap();
    let mut next = vec![row(2, jan.clone(), f1()), row(3, eva(), f2())];
    next[1].number = Some(id(1));
    assert!(import(&world, &next, after(99)).await.is_err());
    import(&world, &next, after(100)).await.unwrap();
    assert_eq!(pairings(&world).await, [(eva(), 1, f2(), None), (jan, 1, f1(), None)]);
}

pub(super) async fn thousands_of_lines_go_in(world: World) {
    let rows: Vec<_> = (0..3000_u32)
        .map(|line| {
            let shopper = phone(&format!("+420601{:06}", line / 3));
            row(u64::from(line) + 2, shopper, phone(&format!("+420777{line:06}")))
        })
        .collect();
    let report = import(&world, &rows, morning()).await.unwrap();
    assert_eq!((report.shoppers_created, report.pairings_created), (1000, 3000));
    let again = import(&world, &rows, after(1)).await.unwrap();
    assert_eq!(again.pairings_unchanged, 3000);
}
