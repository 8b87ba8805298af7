//! Shoppers, numbers and pairings from a CSV file.

use serde_json::Value;

use crate::{
    Scenario,
    language::{Setup, TWO},
    world::World,
};

pub(crate) fn all() -> Vec<Scenario> {
    vec![Scenario::with(
        "a_csv_is_taken_whole_or_not_at_all",
        Setup { data: TWO, ..Setup::default() },
        import,
    )]
}

fn import(world: &mut World) {
    let lists = |world: &World| -> Vec<Vec<Value>> {
        ["shoppers", "numbers", "pairings"].iter().map(|noun| world.exchange.list(noun)).collect()
    };
    let counts = |lists: &[Vec<Value>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
    let before = lists(world);
    assert_eq!(counts(&before), [1, 2, 2], "{before:#?}");

    // The second line (the third of the file) is bad, the first is good.
    let bad = "+420602222333,Petr,cs,+420777000333,1,Auto,,\n+42060,Eva,cs,+420777000444,1,Auto,,";
    for options in [&[][..], &["--dry-run"]] {
        let refused = world.exchange.try_import(bad, options);
        assert!(!refused.status.success());
        let told = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
        assert!(told.contains("line 3"), "{told}");
        assert!(!told.contains("line 2"), "{told}");
        assert_eq!(lists(world), before, "a refused file changed something");
    }

    let good = "602 222 333,Petr,en,777000333,,Auto,2026-01-01,2036-12-31\n602222333,Petr,en,+420777000444,,Banky,,";
    let tried = world.exchange.try_import(good, &["--dry-run"]);
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
    assert_eq!(lists(world), before, "a dry run changed something");
    world.exchange.import(good);
    assert_eq!(counts(&lists(world)), [2, 4, 4]);
    // The same again changes nothing.
    let after = lists(world);
    world.exchange.import(good);
    assert_eq!(counts(&lists(world)), counts(&after));

    // A number that is somebody else's.
    let taken = world.exchange.try_import("+420603333444,Ivo,cs,+420777000111,1,Auto,,", &[]);
    assert!(!taken.status.success(), "the number is Jana's");
    assert_eq!(lists(world), after);
}
