//! What an import will do, worked out in memory against what is there: ten thousand lines ask the
//! database three questions.

use std::collections::{BTreeSet, HashMap, HashSet};

use exchange::{
    model::{Language, PairingId, PairingNumber, ShopperId},
    number::PhoneNumber,
};
use jiff::Timestamp;

use super::{ImportProblem, ImportReport, ImportRow};
use crate::{
    StoreError,
    connections::Link,
    damage::Damage,
    pairings::{NewPairing, next, rest_since, runs_forwards},
    row::{Fields, fetch, ms, ms_opt},
};

struct KnownShopper {
    id: ShopperId,
    name: Option<String>,
    language: Language,
}

struct KnownPairing {
    id: PairingId,
    shopper: PhoneNumber,
    number: PairingNumber,
    project: Option<String>,
    valid_from: Option<i64>,
    valid_to: Option<i64>,
}

/// What the database holds; of pairings those not ended, by their fictitious number.
#[derive(Default)]
pub(super) struct Known {
    shoppers: HashMap<PhoneNumber, KnownShopper>,
    numbers: HashSet<PhoneNumber>,
    pairings: HashMap<PhoneNumber, KnownPairing>,
    /// Phones and fictitious numbers whose row, or whose pairing's, cannot be read otherwise.
    damaged: HashSet<PhoneNumber>,
    /// The IDs that such pairings take.
    taken: Vec<(PhoneNumber, PairingNumber)>,
    /// Shoppers' IDs that are in use or rest.
    resting: HashMap<PhoneNumber, BTreeSet<PairingNumber>>,
}

impl Known {
    /// A damaged row keeps only those lines from being imported that are about it.
    pub(super) async fn read(
        tx: &mut Link,
        damage: &Damage,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        let query = sqlx::query("SELECT id, phone, name, language FROM shoppers");
        for row in &fetch(query, tx, (damage, "shoppers")).await? {
            let row = Fields::new("shoppers", row);
            let Some(phone) = damage.noted(row.phone("phone"))? else { continue };
            match damage.noted(known_shopper(row))? {
                Some(shopper) => drop(known.shoppers.insert(phone, shopper)),
                None => drop(known.damaged.insert(phone)),
            }
        }
        let query = sqlx::query("SELECT number AS id FROM numbers");
        let rows = fetch(query, tx, (damage, "numbers")).await?;
        let numbers = damage.readable(&rows, |row| Fields::new("numbers", row).phone("id"))?;
        known.numbers.extend(numbers);
        let query = sqlx::query(
            "SELECT p.id, s.id AS shopper, s.phone, p.number, p.fictitious_number, p.project, \
             p.valid_from, p.valid_to FROM pairings p JOIN shoppers s ON s.id = p.shopper_id \
             WHERE p.ended_at IS NULL",
        );
        for row in &fetch(query, tx, (damage, "pairings")).await? {
            let row = Fields::new("pairings", row);
            let number = damage.noted(row.phone("fictitious_number"))?;
            match (damage.noted(known_pairing(row))?, number) {
                (Some(pairing), Some(number)) => drop(known.pairings.insert(number, pairing)),
                (_, number) => {
                    known.damaged.extend(number);
                    let shopper = damage.noted(row.joined("shoppers", "shopper").phone("phone"))?;
                    let id = damage.noted(row.pairing_number("number"))?;
                    known.taken.extend(shopper.zip(id));
                }
            }
        }
        let query = sqlx::query(
            "SELECT p.id, s.id AS shopper, s.phone, p.number FROM pairings p \
             JOIN shoppers s ON s.id = p.shopper_id WHERE p.ended_at IS NULL OR p.ended_at > $1",
        )
        .bind(rest_since(now));
        for row in &fetch(query, tx, (damage, "pairings")).await? {
            let row = Fields::new("pairings", row);
            let phone = damage.noted(row.joined("shoppers", "shopper").phone("phone"))?;
            let id = damage.noted(row.pairing_number("number"))?;
            if let Some((phone, id)) = phone.zip(id) {
                known.resting.entry(phone).or_default().insert(id);
            }
        }
        Ok(known)
    }
}

fn known_shopper(row: Fields<'_>) -> Result<KnownShopper, StoreError> {
    Ok(KnownShopper {
        id: ShopperId(row.id("id")?),
        name: row.text_opt("name")?,
        language: row.word("language")?,
    })
}

fn known_pairing(row: Fields<'_>) -> Result<KnownPairing, StoreError> {
    Ok(KnownPairing {
        id: PairingId(row.id("id")?),
        shopper: row.joined("shoppers", "shopper").phone("phone")?,
        number: row.pairing_number("number")?,
        project: row.text_opt("project")?,
        valid_from: row.time_opt("valid_from")?.map(ms),
        valid_to: row.time_opt("valid_to")?.map(ms),
    })
}

/// A shopper to be created (no `id`) or changed.
pub(super) struct PlannedShopper {
    pub(super) id: Option<ShopperId>,
    pub(super) phone: PhoneNumber,
    pub(super) name: Option<String>,
    pub(super) language: Option<Language>,
}

pub(super) enum Change<'r> {
    Keep,
    Create(PairingNumber, NewPairing),
    Update(PairingId, &'r ImportRow),
}

pub(super) struct Plan<'r> {
    /// Pairings whose time is over and whose number or ID is needed again.
    pub(super) ended: Vec<PairingId>,
    pub(super) shoppers: Vec<PlannedShopper>,
    pub(super) shopper_ids: HashMap<PhoneNumber, ShopperId>,
    pub(super) numbers: Vec<PhoneNumber>,
    /// One for each line.
    pub(super) pairings: Vec<Change<'r>>,
}

/// The IDs of one shopper: what each stands for.
type Ids = HashMap<PairingNumber, PhoneNumber>;

impl<'r> Plan<'r> {
    pub(super) fn new(
        rows: &'r [ImportRow],
        mut known: Known,
        now: Timestamp,
    ) -> Result<Self, Vec<(u64, ImportProblem)>> {
        let mut problems = check_rows(rows, &known);
        let ended = make_way(rows, &mut known, now);

        let mut ids: HashMap<PhoneNumber, Ids> = HashMap::new();
        for (number, pairing) in &known.pairings {
            ids.entry(pairing.shopper.clone()).or_default().insert(pairing.number, number.clone());
        }
        for (shopper, id) in &known.taken {
            // By a number that no line has.
            ids.entry(shopper.clone()).or_default().insert(*id, shopper.clone());
        }
        // IDs written in the table first, so that those given here stay clear of them.
        for row in rows {
            if let Err(problem) = claim(row, &known, &mut ids) {
                problems.push((row.line, problem));
            }
        }
        let mut highest: HashMap<PhoneNumber, PairingNumber> = ids
            .into_iter()
            .filter_map(|(shopper, ids)| Some((shopper, ids.into_keys().max()?)))
            .collect();

        let mut pairings = Vec::with_capacity(rows.len());
        for row in rows {
            match change(row, &known, &mut highest) {
                Ok(change) => pairings.push(change),
                Err(problem) => problems.push((row.line, problem)),
            }
        }
        if !problems.is_empty() {
            problems.sort_by_key(|(line, _)| *line);
            return Err(problems);
        }
        let new_numbers = rows.iter().map(|row| &row.fictitious_number);
        Ok(Self {
            ended,
            shoppers: shoppers(rows, &known),
            numbers: new_numbers
                .filter(|number| !known.numbers.contains(number))
                .cloned()
                .collect(),
            shopper_ids: known
                .shoppers
                .into_iter()
                .map(|(phone, known)| (phone, known.id))
                .collect(),
            pairings,
        })
    }

    pub(super) fn report(&self, rows: usize) -> ImportReport {
        let count = |wanted: fn(&Change<'_>) -> bool| {
            self.pairings.iter().filter(|change| wanted(change)).count()
        };
        let created = self.shoppers.iter().filter(|shopper| shopper.id.is_none()).count();
        ImportReport {
            rows,
            shoppers_created: created,
            shoppers_updated: self.shoppers.len() - created,
            numbers_created: self.numbers.len(),
            pairings_created: count(|change| matches!(change, Change::Create(..))),
            pairings_updated: count(|change| matches!(change, Change::Update(..))),
            pairings_unchanged: count(|change| matches!(change, Change::Keep)),
        }
    }
}

/// What can be said of the lines without looking at pairings.
fn check_rows(rows: &[ImportRow], known: &Known) -> Vec<(u64, ImportProblem)> {
    let phones: HashSet<_> = rows.iter().map(|row| &row.shopper_phone).collect();
    let numbers: HashSet<_> = rows.iter().map(|row| &row.fictitious_number).collect();
    let mut first_of_number: HashMap<&PhoneNumber, u64> = HashMap::new();
    let mut first_of_shopper: HashMap<&PhoneNumber, &ImportRow> = HashMap::new();
    let mut problems = Vec::new();
    for row in rows {
        let (phone, number) = (&row.shopper_phone, &row.fictitious_number);
        let mut problem = |problem| problems.push((row.line, problem));
        if !runs_forwards(row.valid_from, row.valid_to) {
            problem(ImportProblem::TimeBackwards);
        }
        for damaged in [phone, number].into_iter().filter(|one| known.damaged.contains(one)) {
            problem(ImportProblem::Damaged { number: damaged.clone() });
        }
        if phones.contains(number) || known.shoppers.contains_key(number) {
            problem(ImportProblem::NumberIsPhone { number: number.clone() });
        }
        if known.numbers.contains(phone) || numbers.contains(phone) {
            problem(ImportProblem::PhoneIsNumber { number: phone.clone() });
        }
        if let Some(line) = first_of_number.get(number) {
            problem(ImportProblem::NumberTwice { number: number.clone(), line: *line });
        } else {
            first_of_number.insert(number, row.line);
        }
        let first = *first_of_shopper.entry(phone).or_insert(row);
        if differ(first.shopper_name.as_ref(), row.shopper_name.as_ref())
            || differ(first.language.as_ref(), row.language.as_ref())
        {
            problem(ImportProblem::ShopperDiffers { shopper: phone.clone(), line: first.line });
        }
    }
    problems
}

fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// Takes away the pairings whose time is over and that stand in the way of a line: those of its
/// number with another shopper, and those of its shopper under the ID it wants.
fn make_way(rows: &[ImportRow], known: &mut Known, now: Timestamp) -> Vec<PairingId> {
    let mut wanted: HashMap<(&PhoneNumber, PairingNumber), &PhoneNumber> = HashMap::new();
    let mut shopper_of: HashMap<&PhoneNumber, &PhoneNumber> = HashMap::new();
    for row in rows {
        shopper_of.insert(&row.fictitious_number, &row.shopper_phone);
        if let Some(id) = row.number {
            wanted.insert((&row.shopper_phone, id), &row.fictitious_number);
        }
    }
    let now = now.as_millisecond();
    let mut ended = Vec::new();
    known.pairings.retain(|number, pairing| {
        let over = pairing.valid_to.is_some_and(|until| until <= now);
        let number_wanted = shopper_of.get(number).is_some_and(|other| **other != pairing.shopper);
        let id_wanted =
            wanted.get(&(&pairing.shopper, pairing.number)).is_some_and(|other| *other != number);
        let stays = !(over && (number_wanted || id_wanted));
        if !stays {
            ended.push(pairing.id);
        }
        stays
    });
    ended
}

/// Takes the ID that a line writes.
fn claim(
    row: &ImportRow,
    known: &Known,
    ids: &mut HashMap<PhoneNumber, Ids>,
) -> Result<(), ImportProblem> {
    let (phone, number) = (&row.shopper_phone, &row.fictitious_number);
    let pairing = known.pairings.get(number);
    if let Some(other) = pairing.filter(|pairing| pairing.shopper != *phone) {
        let shopper = other.shopper.clone();
        return Err(ImportProblem::PairedWithOther { number: number.clone(), shopper });
    }
    let Some(id) = row.number else { return Ok(()) };
    if let Some(pairing) = pairing.filter(|pairing| pairing.number != id) {
        return Err(ImportProblem::OtherId { number: number.clone(), id: pairing.number });
    }
    let holder = ids.entry(phone.clone()).or_default().entry(id).or_insert_with(|| number.clone());
    if holder == number {
        Ok(())
    } else {
        Err(ImportProblem::IdTaken { shopper: phone.clone(), id, number: holder.clone() })
    }
}

fn change<'r>(
    row: &'r ImportRow,
    known: &Known,
    highest: &mut HashMap<PhoneNumber, PairingNumber>,
) -> Result<Change<'r>, ImportProblem> {
    if let Some(pairing) = known.pairings.get(&row.fictitious_number) {
        let same = pairing.project == row.project
            && pairing.valid_from == ms_opt(row.valid_from)
            && pairing.valid_to == ms_opt(row.valid_to);
        return Ok(if same { Change::Keep } else { Change::Update(pairing.id, row) });
    }
    let number = if let Some(number) = row.number {
        number
    } else {
        let none = BTreeSet::new();
        let resting = known.resting.get(&row.shopper_phone).unwrap_or(&none);
        let next = next(highest.get(&row.shopper_phone).copied(), resting)
            .ok_or_else(|| ImportProblem::NoIdLeft { shopper: row.shopper_phone.clone() })?;
        highest.insert(row.shopper_phone.clone(), next);
        next
    };
    Ok(Change::Create(
        number,
        NewPairing {
            shopper: row.shopper_phone.clone(),
            fictitious_number: row.fictitious_number.clone(),
            number: Some(number),
            project: row.project.clone(),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        },
    ))
}

/// The shoppers to create or change, each once, in the order of the lines.
fn shoppers(rows: &[ImportRow], known: &Known) -> Vec<PlannedShopper> {
    let mut at: HashMap<&PhoneNumber, usize> = HashMap::new();
    let mut all: Vec<PlannedShopper> = Vec::new();
    for row in rows {
        let phone = &row.shopper_phone;
        let index = *at.entry(phone).or_insert_with(|| {
            all.push(PlannedShopper {
                id: known.shoppers.get(phone).map(|shopper| shopper.id),
                phone: phone.clone(),
                name: None,
                language: None,
            });
            all.len() - 1
        });
        if let Some(shopper) = all.get_mut(index) {
            shopper.name = shopper.name.take().or_else(|| row.shopper_name.clone());
            shopper.language = shopper.language.or(row.language);
        }
    }
    all.retain(|shopper| {
        known.shoppers.get(&shopper.phone).is_none_or(|known| {
            differ(shopper.name.as_ref(), known.name.as_ref())
                || (shopper.name.is_some() && known.name.is_none())
                || shopper.language.is_some_and(|language| language != known.language)
        })
    });
    all
}
