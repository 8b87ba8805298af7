//! Looks at all that can fail, and tells an operator once when it does and once when it is over.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use store::Figures;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Worker;
use crate::{
    alarm::{Alarm, State},
    app::App,
    clock,
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
        }
        looks = looks.wrapping_add(1);
        for (subject, problem) in standing.see(faults(&app), clock::instant()) {
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
            warn!(%error, "the queues cannot be counted");
            app.figures.send_replace(None)
        }
    };
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
        mut faults: BTreeMap<Subject, String>,
        now: Instant,
    ) -> Vec<(Subject, Option<String>)> {
        for subject in faults.keys() {
            self.0.entry(*subject).or_insert(Stands { failing: true, since: now, told: false });
        }
        let mut changes = Vec::new();
        self.0.retain(|subject, stands| {
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
    use crate::proof::tests::House;

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
            for (subject, problem) in standing.see(faults.into_iter().collect(), now) {
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
            which.iter().map(|subject| (*subject, "bad".to_owned())).collect::<BTreeMap<_, _>>()
        };
        let both = [Subject::Switch, Subject::Worker(Worker::Intake)];
        assert!(standing.see(faults(&both), began).is_empty());
        let told = standing.see(faults(&both), began + FIRM);
        assert_eq!(told.len(), 2);
        assert!(standing.see(faults(&both[1..]), began + FIRM * 2).is_empty());
        let told = standing.see(faults(&both[1..]), began + FIRM * 3);
        assert_eq!(told, [(Subject::Switch, None)]);
    }
}
