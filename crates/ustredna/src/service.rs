//! Which flow a call takes, and what that flow must know: read from the store once, before it
//! starts.

use exchange::{
    call::{Call, HungUp},
    cause::Failure,
    destination::Refusal,
    facts::{Assignment, Rules, ShopperFacts},
    flows,
    history::{History, Leg},
    model::{LegId, Service},
    number::PhoneNumber,
    recording::RecordingPath,
};
use jiff::Timestamp;
use tracing::{error, warn};
use uuid::Uuid;

use crate::{app::App, arrival::Arrival, proof::recording_name};

/// A call's history so far, and what is to be done with it.
pub(crate) struct Flow {
    pub(crate) history: History,
    pub(crate) plan: Plan,
}

/// The flow a call takes, with its facts.
pub(crate) enum Plan {
    OutboundHotline(Option<Box<ShopperFacts>>),
    CallbackHotline(Option<Box<ShopperFacts>>),
    FictitiousNumber {
        assignment: Option<Box<Assignment>>,
        dealer: Option<PhoneNumber>,
    },
    UnknownNumber,
    /// The exchange's own call has come back.
    Forwarded,
    /// A hotline's caller, when the database cannot be read.
    Unreadable,
    Unavailable(Refusal),
}

impl Flow {
    /// Chooses the flow and reads its facts.
    pub(crate) async fn begin(
        app: &App,
        arrival: &Arrival,
        started_at: Timestamp,
        overload: bool,
    ) -> Self {
        let service =
            arrival.dialled.as_ref().map_or(Service::FictitiousNumber, |(service, _)| *service);
        let mut history = History::new(arrival.call, service, started_at);
        history.caller.clone_from(&arrival.caller);
        if service == Service::FictitiousNumber {
            history.called_number = arrival.dialled.as_ref().map(|(_, number)| number.clone());
        }
        let plan = if overload {
            error!("the exchange carries switch.max_calls already; a call is refused");
            if let Ok(refused) = plan(app, arrival, started_at).await {
                refused.miss(app, &mut history, started_at, None);
            }
            Plan::Unavailable(Refusal::Overload)
        } else {
            plan(app, arrival, started_at).await.unwrap_or_else(|error| {
                error!(%error, "a call is refused, since the database cannot be read");
                match service {
                    Service::OutboundHotline | Service::CallbackHotline => Plan::Unreadable,
                    Service::FictitiousNumber => Plan::Unavailable(Refusal::Unavailable),
                }
            })
        };
        let shopper = match &plan {
            Plan::OutboundHotline(facts) | Plan::CallbackHotline(facts) => {
                facts.as_ref().map(|facts| &facts.shopper)
            }
            Plan::FictitiousNumber { assignment, .. } => {
                assignment.as_ref().map(|assignment| &assignment.shopper)
            }
            Plan::UnknownNumber | Plan::Forwarded | Plan::Unreadable | Plan::Unavailable(_) => None,
        };
        if let Some(shopper) = shopper {
            history.shopper = Some(shopper.id);
        }
        if let Plan::FictitiousNumber { dealer, .. } = &plan {
            history.calling_dealer.clone_from(dealer);
        }
        Self { history, plan }
    }
}

async fn plan(app: &App, arrival: &Arrival, at: Timestamp) -> Result<Plan, store::StoreError> {
    let Some((service, dialled)) = &arrival.dialled else { return Ok(Plan::UnknownNumber) };
    let named = &arrival.named;
    if named.a_hotline(&app.rules) || app.store.has_exchange_number(&named.callers).await? {
        return Ok(forwarded());
    }
    if *service == Service::FictitiousNumber {
        let assignment = app.store.assignment(dialled, at, app.clock.now()).await?.map(Box::new);
        if let Some(assignment) = &assignment
            && named.forwarded_by.contains(&assignment.shopper.phone)
        {
            return Ok(forwarded());
        }
        let dealer = dealer_of(app, assignment.as_deref(), arrival.caller.as_ref()).await?;
        return Ok(Plan::FictitiousNumber { assignment, dealer });
    }
    let facts = match &arrival.caller {
        Some(caller) => {
            let ttl = app.settings.callbacks.ticket_ttl.signed();
            app.store.shopper_facts(caller, at, ttl).await?.map(Box::new)
        }
        // A withheld number is never a shopper.
        None => None,
    };
    Ok(if *service == Service::OutboundHotline {
        Plan::OutboundHotline(facts)
    } else {
        Plan::CallbackHotline(facts)
    })
}

fn forwarded() -> Plan {
    warn!(
        "a call of the exchange came back to it: a phone that it rings is forwarded to one of its numbers"
    );
    Plan::Forwarded
}

/// Who calls a fictitious number. A shopper who dials another one's number is no dealer, and their
/// real number is nobody's to see, in an SMS neither.
async fn dealer_of(
    app: &App,
    assignment: Option<&Assignment>,
    caller: Option<&PhoneNumber>,
) -> Result<Option<PhoneNumber>, store::StoreError> {
    if let (Some(assignment), Some(caller)) = (assignment, caller)
        && *caller != assignment.shopper.phone
        && app.store.is_shopper(caller).await?
    {
        return Ok(None);
    }
    Ok(caller.cloned())
}

/// The end of a call in which nobody was dialled and nothing refused: the caller left at once, the
/// database could not be read, exchange or FreeSWITCH died. A dealer who called back is missed all
/// the same, and who is not known is a stranger.
///
/// # Errors
/// When the store cannot be read; nothing is changed then.
pub(crate) async fn finish_undialled(
    app: &App,
    history: &mut History,
    ended_at: Timestamp,
    cause: Option<&str>,
) -> Result<(), store::StoreError> {
    let is_open = matches!(history.refusal, None | Some(Refusal::Unavailable));
    if !history.legs.is_empty() || !is_open {
        return Ok(());
    }
    if history.service != Service::FictitiousNumber {
        if history.shopper.is_none() {
            history.refusal.get_or_insert(Refusal::UnknownCaller);
        }
        return Ok(());
    }
    let Some(number) = &history.called_number else {
        history.refusal.get_or_insert(Refusal::UnknownNumber);
        return Ok(());
    };
    let (at, now) = (history.started_at, app.clock.now());
    if let Some(caller) = &history.caller
        && (app.rules.is_hotline(caller)
            || app.store.has_exchange_number(std::slice::from_ref(caller)).await?)
    {
        history.refusal = Some(Refusal::Forwarded);
        return Ok(());
    }
    let assignment = app.store.assignment(number, at, now).await?.map(Box::new);
    let dealer = dealer_of(app, assignment.as_deref(), history.caller.as_ref()).await?;
    if assignment.is_none() {
        history.refusal.get_or_insert(Refusal::UnpairedNumber);
    }
    let cause = cause.map(str::to_owned);
    Plan::FictitiousNumber { assignment, dealer }.miss(app, history, ended_at, cause);
    Ok(())
}

impl Plan {
    /// Writes into the history that a dealer called back and nobody could be rung: a missed call
    /// all the same. Other calls are left as they are.
    pub(crate) fn miss(
        &self,
        app: &App,
        history: &mut History,
        ended_at: Timestamp,
        cause: Option<String>,
    ) {
        let Self::FictitiousNumber { assignment: Some(assignment), dealer } = self else { return };
        if dealer.as_ref() == Some(&assignment.shopper.phone) {
            return;
        }
        history.shopper = Some(assignment.shopper.id);
        let dial = flows::dial_shopper(assignment, dealer.as_ref(), &app.rules);
        let zone = &app.settings.exchange.timezone.0;
        let recording = recording_name(history, &dial, history.started_at, zone);
        history.legs.push(Leg {
            id: LegId(Uuid::new_v4()),
            dial,
            recording: RecordingPath::new(recording.relative()),
            started_at: history.started_at,
            answered_at: None,
            ended_at: Some(ended_at),
            failure: Some(Failure::Unreachable),
            cause,
        });
    }

    /// Runs the flow to its end.
    pub(crate) async fn run(self, mut call: Call, rules: &Rules) -> Result<(), HungUp> {
        match self {
            Self::OutboundHotline(facts) => {
                flows::outbound_hotline(&mut call, rules, facts.as_deref()).await
            }
            Self::CallbackHotline(facts) => {
                flows::callback_hotline(&mut call, rules, facts.as_deref()).await
            }
            Self::FictitiousNumber { assignment, dealer } => {
                let (assignment, dealer) = (assignment.as_deref(), dealer.as_ref());
                flows::fictitious_number(&mut call, rules, assignment, dealer).await
            }
            Self::Forwarded => flows::forwarded(&mut call).await,
            Self::UnknownNumber => flows::unknown_number(&mut call).await,
            Self::Unreadable => flows::unreadable(&mut call, rules).await,
            Self::Unavailable(refusal) => flows::unavailable(&mut call, refusal).await,
        }
    }
}
