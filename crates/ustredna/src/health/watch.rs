//! Looks at all that can fail, and tells an operator once when it does and once when it is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use store::Figures;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::Worker;
use crate::{
    alarm::{Alarm, State},
    app::App,
    clock, hotlines,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the database is asked for figures: so many looks.
const FIGURES_EVERY: u32 = 10;
/// What has been so for that long is told, be it good or bad.
const FIRM: Duration = Duration::from_secs(10);
/// An SMS that has been tried for longer in vain is told of.
const OVERDUE: SignedDuration = SignedDuration::from_mins(10);

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Switch,
    Gateway,
    Sms,
    Worker(Worker),
}

impl Subject {
    fn alarm(self, state: State, problem: Option<String>) -> Alarm {
        match self {
            Self::Switch => Alarm::Switch { state, problem },
            Self::Gateway => Alarm::Gateway { state, problem },
            Self::Sms => Alarm::Sms { state, problem },
            Self::Worker(worker) => Alarm::Worker { worker: worker.as_str(), state, problem },
        }
    }
}

/// Looks again and again until `stop`.
pub(crate) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut standing = Standing::default();
    let mut looks = 0_u32;
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stop.cancelled() => return,
        }
        if looks.is_multiple_of(FIGURES_EVERY) {
            count(&app).await;
            look_at_hotlines(&app).await;
        }
        looks = looks.wrapping_add(1);
        let seen = Seen { faults: faults(&app), unseen: unseen(&app) };
        for (subject, problem) in standing.see(seen, clock::instant()) {
            if let Some(problem) = &problem {
                error!(what = ?subject, problem, "something fails");
            } else {
                info!(what = ?subject, "it works again");
            }
            let state = if problem.is_some() { State::Failing } else { State::Recovered };
            app.alarm.raise(subject.alarm(state, problem));
        }
    }
}

async fn count(app: &App) {
    match app.store.figures(app.clock.now()).await {
        Ok(figures) => app.figures.send_replace(Some(figures)),
        Err(error) => {
            // Whoever watches the database tells it.
            debug!(%error, "the queues cannot be counted");
            app.figures.send_replace(None)
        }
    };
}

/// Numbers are also added by commands that have other settings.
async fn look_at_hotlines(app: &App) {
    // Whoever watches the database tells that it cannot be read.
    let Ok(problem) = hotlines::problem(&app.settings, &app.store).await else { return };
    if *app.hotlines.borrow() != problem {
        if let Some(problem) = &problem {
            error!(problem, "a hotline is somebody's number: set it to a number of its own");
        }
        app.hotlines.send_replace(problem);
    }
}

/// What the oldest SMS that was tried in vain has come to, if it is old.
pub(crate) fn overdue(app: &App) -> Option<String> {
    let oldest =
        app.figures.borrow().as_ref().and_then(|figures: &Figures| figures.sms_oldest_tried)?;
    let age = app.clock.now().duration_since(oldest);
    (age > OVERDUE).then(|| {
        format!(
            "an SMS has been tried for {} min in vain: `ustredna sms` tells why",
            age.as_secs() / 60
        )
    })
}

fn faults(app: &App) -> BTreeMap<Subject, String> {
    let known = app.switch.known();
    let switch = known.switch.problem().map(|problem| (Subject::Switch, problem));
    let gateway = known.gateway.problem().map(|problem| (Subject::Gateway, problem));
    let sms = overdue(app).map(|problem| (Subject::Sms, problem));
    let workers = app.health.faults();
    let workers = workers.into_iter().map(|(worker, problem)| (Subject::Worker(worker), problem));
    [switch, gateway, sms].into_iter().flatten().chain(workers).collect()
}

/// What cannot be looked at now: whether it works nobody knows.
fn unseen(app: &App) -> BTreeSet<Subject> {
    let known = app.switch.known();
    [
        (Subject::Switch, known.switch.is_up().is_none()),
        (Subject::Gateway, known.gateway.is_up().is_none()),
        (Subject::Sms, app.figures.borrow().is_none()),
    ]
    .into_iter()
    .filter_map(|(subject, is_unseen)| is_unseen.then_some(subject))
    .collect()
}

/// What a look came to.
#[derive(Default)]
struct Seen {
    faults: BTreeMap<Subject, String>,
    /// What has failed and cannot be looked at now has not recovered.
    unseen: BTreeSet<Subject>,
}

/// What is wrong at the moment, and what of it has been told.
#[derive(Default)]
struct Standing(BTreeMap<Subject, Stands>);

struct Stands {
    failing: bool,
    since: Instant,
    told: bool,
}

impl Standing {
    /// What has changed for good: the problem, or `None` where it is over.
    fn see(
        &mut self,
        Seen { mut faults, unseen }: Seen,
        now: Instant,
    ) -> Vec<(Subject, Option<String>)> {
        for subject in faults.keys() {
            self.0.entry(*subject).or_insert(Stands { failing: true, since: now, told: false });
        }
        let mut changes = Vec::new();
        self.0.retain(|subject, stands| {
            if unseen.contains(subject) && !faults.contains_key(subject) {
                return true;
            }
            let problem = faults.remove(subject);
            if stands.failing != problem.is_some() {
                (stands.failing, stands.since) = (problem.is_some(), now);
            }
            let firm = now.saturating_duration_since(stands.since) >= FIRM;
            if firm && stands.failing != stands.told {
                stands.told = stands.failing;
                changes.push((*subject, problem));
            }
            // What is well, and known to be, needs no memory.
            stands.failing || stands.told
        });
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{proof::tests::House, switch::Known};

    #[tokio::test]
    async fn an_sms_tried_in_vain_for_long_is_told() {
        let house = House::with("").await;
        let waiting = |minutes| {
            let since = house.app.clock.now() - SignedDuration::from_mins(minutes);
            let figures = Figures { sms_oldest_tried: Some(since), ..Figures::default() };
            house.app.figures.send_replace(Some(figures));
            faults(&house.app).remove(&Subject::Sms)
        };
        assert_eq!(waiting(9), None);
        assert!(waiting(11).unwrap().contains("tried for 11 min in vain"));
    }

    #[tokio::test]
    async fn what_nobody_sees_of_freeswitch_is_neither_well_nor_not() {
        let house = House::with("").await;
        let look = |switch: Known, gateway: Known| {
            house.app.switch.learn(|found| (found.switch, found.gateway) = (switch, gateway));
            let (faults, unseen) = (faults(&house.app), unseen(&house.app));
            let is = |subject| (faults.contains_key(&subject), unseen.contains(&subject));
            [is(Subject::Switch), is(Subject::Gateway)]
        };
        let (down, hidden) =
            (|| Known::Down("gone".to_owned()), || Known::NotWatched(String::new()));
        assert_eq!(look(Known::Up, Known::Up), [(false, false); 2]);
        assert_eq!(look(Known::Up, down()), [(false, false), (true, false)]);
        assert_eq!(look(down(), hidden()), [(true, false), (false, true)]);
        assert_eq!(look(hidden(), hidden()), [(false, true); 2]);
        assert_eq!(look(Known::NotYet, Known::NotYet), [(false, true); 2]);
    }

    #[tokio::test]
    async fn a_gateway_s_end_and_return_are_told_once_each() {
        let house = House::with("alarm.command = [\"true\"]").await;
        let (app, stop) = (&house.app, CancellationToken::new());
        let learn = |gateway| {
            app.switch.learn(|found| (found.switch, found.gateway) = (Known::Up, gateway));
        };
        learn(Known::Down("no answer to OPTIONS".to_owned()));
        tokio::time::pause();
        // The database takes real time, in which this one may run far ahead.
        let raised = std::cell::RefCell::new(Vec::new());
        let told = async |count| {
            for _ in 0..100_000 {
                raised.borrow_mut().extend(app.alarm.raised());
                if raised.borrow().len() >= count {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let steps = async {
            told(1).await;
            // FreeSWITCH is asked in vain.
            learn(Known::NotWatched("no answer".to_owned()));
            tokio::time::sleep(Duration::from_secs(30)).await;
            learn(Known::Up);
            told(2).await;
            tokio::time::sleep(Duration::from_secs(30)).await;
            stop.cancel();
        };
        tokio::join!(run(Arc::clone(app), stop.clone()), steps);
        raised.borrow_mut().extend(app.alarm.raised());
        let raised = raised.into_inner();
        let states: Vec<_> = raised
            .iter()
            .map(|told| {
                let text = |key: &str| told[key].as_str().unwrap_or_default();
                [text("kind"), text("state"), text("problem")]
            })
            .collect();
        let expected =
            [["gateway", "failing", "no answer to OPTIONS"], ["gateway", "recovered", ""]];
        assert_eq!(states, expected);
    }

    #[test]
    fn what_fails_is_told_once_and_so_is_that_it_is_over() {
        let began = clock::instant();
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for second in 0..120_u64 {
            // Down for a moment, and later for half a minute with a gap.
            let down = second == 5 || (30..60).contains(&second) && second != 50;
            let faults = down.then(|| (Subject::Gateway, "down".to_owned()));
            let now = began + Duration::from_secs(second);
            let seen = Seen { faults: faults.into_iter().collect(), ..Seen::default() };
            for (subject, problem) in standing.see(seen, now) {
                assert_eq!(subject, Subject::Gateway);
                told.push((second, problem.is_some()));
            }
        }
        assert_eq!(told, [(40, true), (70, false)]);
        assert!(standing.0.is_empty());
    }

    #[test]
    fn each_is_told_for_itself() {
        let began = clock::instant();
        let mut standing = Standing::default();
        let faults = |which: &[Subject]| {
            let faults = which.iter().map(|subject| (*subject, "bad".to_owned())).collect();
            Seen { faults, ..Seen::default() }
        };
        let both = [Subject::Switch, Subject::Worker(Worker::Intake)];
        assert!(standing.see(faults(&both), began).is_empty());
        let told = standing.see(faults(&both), began + FIRM);
        assert_eq!(told.len(), 2);
        assert!(standing.see(faults(&both[1..]), began + FIRM * 2).is_empty());
        let told = standing.see(faults(&both[1..]), began + FIRM * 3);
        assert_eq!(told, [(Subject::Switch, None)]);
    }

    /// FreeSWITCH dies while its gateway is down: nobody knows of the gateway then.
    #[test]
    fn what_cannot_be_seen_has_not_recovered() {
        let began = clock::instant();
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for second in 0..200_u64 {
            let (down, unseen) = match second {
                0..20 | 80..100 => (true, false),
                20..80 => (false, true),
                _ => (false, false),
            };
            let faults = down.then(|| (Subject::Gateway, "down".to_owned())).into_iter().collect();
            let unseen = unseen.then_some(Subject::Gateway).into_iter().collect();
            let now = began + Duration::from_secs(second);
            for (_, problem) in standing.see(Seen { faults, unseen }, now) {
                told.push((second, problem.is_some()));
            }
        }
        assert_eq!(told, [(10, true), (110, false)]);
    }
}
