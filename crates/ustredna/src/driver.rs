//! One task a call: it owns the socket, the flow and the call's history, and runs them against
//! each other until the call is over.

mod bridge;
mod claim;
mod forget;
mod media;
mod takeover;
mod time;
mod verbs;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use esl::{
    Answer, Api, Command, Completion, Event, EventName, Execute, HangupCause, SessionEvent, Why,
};
use exchange::{
    call::{Desk, HungUp},
    cause::Cause,
    history::History,
};
use jiff::Timestamp;
use tokio::net::TcpStream;
use tracing::{Instrument as _, debug, error, info, warn};
use uuid::Uuid;

use crate::{
    app::{App, Attended},
    arrival::Arrival,
    clock,
    ending::{self, Ended},
    line::{Line, LineError},
    listener::{Closing, Places},
    persist::until_stored,
    place,
    ringing::Rings,
    seats::Seat,
    service,
    talks::Watched,
    test_call,
};
use claim::Turn;
use media::Media;
use takeover::Hold;
use time::CallTime;
use verbs::Pending;

/// How long FreeSWITCH may take to end a call that has been told to.
const FAREWELL: Duration = Duration::from_secs(10);
/// While a call's arrival cannot be stored, so often is looked whether it is still there.
const STILL_HERE: Duration = Duration::from_secs(5);

/// Runs one call from its first byte to its row.
pub(crate) async fn drive(
    stream: TcpStream,
    seat: Seat,
    places: Places,
    app: Arc<App>,
    closing: Closing,
) {
    let (started_at, began) = (app.clock.now(), clock::instant());
    let connected = tokio::select! {
        connected = Line::connect(stream) => connected,
        () = seat.asked_to_leave() => Err(LineError::NotConnected),
    };
    let (mut line, event) = match connected {
        Ok(connected) => connected,
        Err(error) => return warn!(%error, "connection dropped"),
    };
    drop(seat);
    let turn = Turn::read(&event);
    if turn.passed_on {
        return warn!(
            "a call waited too long for this exchange and is another's now, or was ended"
        );
    }
    let Some(place) = places.take() else {
        return error!("far more calls than switch.max_calls; a connection is closed");
    };
    if let Some(named) = event.variable(test_call::VARIABLE) {
        return test_call::attend(app, line, &event, &named).await;
    }
    let time = CallTime::new(started_at, began, bridge::dated(&event));
    let Some(arrival) = Arrival::read(&event, &app.rules, app.settings.switch.dialled_in) else {
        return warn!("connection dropped: its channel has no UUID");
    };
    let span = tracing::info_span!("call", call.id = %arrival.call);
    async {
        let mut attended = app.live.enter(arrival.call);
        // Reading the facts may take long; the claim must not.
        let (claimed, flow) = tokio::join!(
            turn.claim(&mut line),
            service::Flow::begin(&app, &arrival, started_at, place.overload),
        );
        match claimed {
            Ok(true) => {}
            Ok(false) => return warn!("the call was passed on while this exchange took it"),
            // It will be told when the call's end is.
            Err(error) => debug!(%error, "the call could not be claimed"),
        }
        if !attended.hold() {
            return warn!("connection dropped: another one has this call already");
        }
        info!(
            service = %flow.history.service,
            caller = ?arrival.caller,
            dialled = ?arrival.dialled.as_ref().map(|(_, number)| number),
            "call"
        );
        arrival.tell();
        let (call, desk) = exchange::call::call();
        let service::Flow { mut history, plan } = flow;
        history.switch_ahead = time.skew.ahead();
        note_arrival(&app, history.clone());
        let driver = Driver::new(line, Arc::clone(&app), history, arrival.answered, time, turn);
        let flow = plan.run(call, &app.rules);
        driver.run(flow, desk, closing, attended).await;
    }
    .instrument(span)
    .await;
}

/// Writes the call's row beside its first prompt, for whom everything is killed under.
fn note_arrival(app: &Arc<App>, history: History) {
    let shared = Arc::clone(app);
    app.afterwork.spawn(
        async move {
            // Once it is over its end is what is to be stored.
            let over = async {
                while shared.live.attends(history.id) {
                    tokio::time::sleep(STILL_HERE).await;
                }
            };
            tokio::select! {
                biased;
                stored = until_stored(&shared.health.kept, "a call's arrival", || shared.store.arrive(&history)) => {
                    if let Err(error) = stored {
                        error!(%error, "a call's arrival could not be stored");
                    }
                }
                () = over => {}
            }
        }
        .in_current_span(),
    );
}

/// What `myevents` brings and nobody here reads (`switch_event_types_t` in mod_event_socket.c).
const UNREAD: &[EventName] = &[
    EventName::ChannelState,
    EventName::ChannelCallstate,
    EventName::ChannelCreate,
    EventName::ChannelExecute,
    EventName::ChannelPark,
    EventName::ChannelUnpark,
    EventName::ChannelProgress,
    EventName::ChannelProgressMedia,
    EventName::ChannelOutgoing,
    EventName::ChannelOriginate,
    EventName::ChannelApplication,
    EventName::ChannelHold,
    EventName::ChannelUnhold,
    EventName::ChannelUuid,
    EventName::CallUpdate,
    EventName::Dtmf,
];

struct Driver {
    line: Line,
    app: Arc<App>,
    history: History,
    pending: Option<Pending>,
    hangup_cause: Option<String>,
    /// The flow has asked for the call's end.
    ending: bool,
    /// How many entries there were: each has a variable of its own, since FreeSWITCH leaves old
    /// digits in place.
    entries: u32,
    /// Whether the caller has been answered, so that media flow.
    answered: bool,
    time: CallTime,
    turn: Turn,
    /// Until when the channel may be on its way to where this exchange leads it.
    on_its_way: Option<tokio::time::Instant>,
    /// Whether the present leg's recording has started.
    recording: bool,
    /// While the shopper's phone rings for a dealer.
    rings: Option<Rings>,
    /// While two talk.
    watched: Option<Watched>,
    media: Media,
    hold: Hold,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The channel is down and has said all it had to.
    HungUp,
    /// The connection ended while the channel, as far as one knows, lives on.
    Lost,
    /// The exchange stops; FreeSWITCH and its CDR finish the call.
    Left,
}

impl Driver {
    fn new(
        line: Line,
        app: Arc<App>,
        history: History,
        answered: bool,
        time: CallTime,
        turn: Turn,
    ) -> Self {
        Self {
            line,
            app,
            history,
            pending: None,
            hangup_cause: None,
            ending: false,
            entries: 0,
            answered,
            time,
            turn,
            on_its_way: None,
            recording: false,
            rings: None,
            watched: None,
            media: Media::default(),
            hold: Hold::Ours,
        }
    }

    async fn run(
        mut self,
        flow: impl Future<Output = Result<(), HungUp>>,
        desk: Desk,
        closing: Closing,
        attended: Attended,
    ) {
        if let Err(error) = self.establish() {
            // Only a channel UUID of another form could do this, and it has been read already.
            warn!(%error, "the connection could not be set up");
        }
        let end = match self.serve(flow, desk, closing).await {
            Ok(end) => end,
            Err(error) => {
                warn!(%error, "connection dropped");
                End::Lost
            }
        };
        let now = self.time.now();
        let Self { app, history, hangup_cause, .. } = self;
        // FreeSWITCH's clock told when the last leg ended, and may be some milliseconds ahead.
        let ended_at = history.legs.iter().filter_map(|leg| leg.ended_at).fold(now, Timestamp::max);
        if end != End::HungUp && !history.legs.is_empty() {
            // `socket_resume` is cleared: a talk and its recording go on without us, a phone goes
            // on ringing. The CDR file completes the row, which is open since dialling.
            return ending::leave(&app, history, attended);
        }
        let ended = Ended { history, ended_at, hangup_cause };
        ending::begin(&app, ended, attended);
    }

    /// The burst that every call begins with; all of it is one write with what the flow asks
    /// first.
    fn establish(&mut self) -> Result<(), esl::CommandError> {
        let Some(channel) = self.line.session.channel().copied() else { return Ok(()) };
        let session = &mut self.line.session;
        // Without it CHANNEL_HANGUP_COMPLETE may be lost.
        session.send(&Command::Linger(10));
        session.send(&Command::MyEvents);
        // `myevents` brings two dozen kinds of several kilobytes each; these nobody reads here.
        session.send(&Command::nix_events(UNREAD)?);
        session.send(&Command::events(&[EventName::RecordStart])?);
        if self.turn.after_silence {
            session.send(&Command::events(&[EventName::ChannelPark])?);
        }
        // A controller that dies must not take the talk with it (freeswitch-conf/dialplan.xml); and
        // one that wakes late must see that the call is taken (freeswitch-conf/controllers.xml).
        let taken = [("socket_resume", ""), ("exchange_attends", "true")];
        session.send(&Command::Api(Api::uuid_setvar_multi(&channel, &taken)?));
        if self.turn.leads_on(&mut self.line)? {
            self.on_its_way = Some(in_a_while(claim::ON_THE_WAY));
        }
        Ok(())
    }

    async fn serve(
        &mut self,
        flow: impl Future<Output = Result<(), HungUp>>,
        mut desk: Desk,
        closing: Closing,
    ) -> Result<End, LineError> {
        let mut flow = pin!(flow);
        let mut flowing = true;
        let mut farewell = None;
        loop {
            while let Some(event) = self.line.session.poll_event() {
                if let Some(end) = self.handle(event) {
                    // What is still to be said of the other leg (takeover.rs).
                    self.line.flush().await?;
                    return Ok(end);
                }
            }
            if !flowing && farewell.is_none() {
                self.say_farewell();
                let patience = if self.talked() { takeover::PATIENCE } else { FAREWELL };
                farewell = Some(in_a_while(patience));
            }
            let idle = self.pending.is_none() && self.on_its_way.is_none();
            let broken = self.broken();
            tokio::select! {
                biased;
                // First the flow, so that all it asks without waiting goes out in one write.
                ended = &mut flow, if flowing => {
                    flowing = false;
                    debug!(hung_up = ended.is_err(), "flow ended");
                }
                Some(request) = desk.next(), if flowing && idle => {
                    let (verb, reply) = request.split();
                    self.begin(verb, reply).await;
                }
                () = std::future::ready(()), if self.line.session.has_transmit() => {
                    self.line.flush().await?;
                }
                waited = self.line.wait() => waited?,
                // After a talk FreeSWITCH hangs up by itself, and at once.
                () = at(farewell), if self.talked() && self.hold == Hold::Ours => {
                    self.is_taken_over();
                    farewell = Some(in_a_while(FAREWELL));
                }
                () = at(self.on_its_way), if self.on_its_way.is_some() => self.on_its_way = None,
                () = at(farewell) => {
                    warn!("FreeSWITCH does not end the call");
                    return Ok(End::Lost);
                }
                () = broken.cancelled() => self.recording_broke(),
                () = at(self.media.next) => self.ask_for_media(),
                // A talk needs nobody: FreeSWITCH ends and records it.
                () = closing.drain.cancelled(), if self.talks() => return Ok(End::Left),
                () = closing.stop.cancelled() => return Ok(End::Left),
            }
        }
    }

    /// Whether two are connected, and all that must be known of it is.
    fn talks(&self) -> bool {
        let recorded = self.recording || !self.app.settings.recordings.required;
        let leg = self.history.legs.last();
        recorded && leg.is_some_and(|leg| leg.answered_at.is_some() && leg.ended_at.is_none())
    }

    /// Whether the last who was rung has answered.
    fn talked(&self) -> bool {
        self.history.legs.last().is_some_and(|leg| leg.answered_at.is_some())
    }

    /// The flow is over; the channel must be, too. What the flow asked last may still be running,
    /// so only a flow that did not ask for the end has its call killed.
    fn say_farewell(&mut self) {
        self.pending = None;
        if !self.ending && !self.talked() && !self.line.session.is_hung_up() {
            self.kill(Cause::NormalClearing);
        }
    }

    /// Ends the call at once, whatever application runs: `sendmsg hangup` would wait for it.
    fn kill(&mut self, cause: Cause) {
        if let (Some(channel), Ok(cause)) =
            (self.line.session.channel().copied(), HangupCause::new(cause.as_str()))
        {
            self.line.session.send(&Command::Api(Api::uuid_kill(&channel, &cause)));
        }
    }

    fn handle(&mut self, event: SessionEvent) -> Option<End> {
        match event {
            SessionEvent::Event(event) => self.observe(&event),
            SessionEvent::Completed { uuid, completion } => {
                self.completed(uuid, completion);
                None
            }
            SessionEvent::Replied { id, reply } => {
                self.replied(id, &reply);
                None
            }
            SessionEvent::Disconnected(_) => {
                self.hung_up();
                Some(if self.line.session.is_hung_up() { End::HungUp } else { End::Lost })
            }
            SessionEvent::Connected(_)
            | SessionEvent::AuthRequested
            | SessionEvent::Lingering { .. } => None,
        }
    }

    fn observe(&mut self, event: &Event) -> Option<End> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others tell nothing here")]
        match event.event_name() {
            EventName::ChannelAnswer => {
                self.answered = true;
                self.media.watch();
            }
            EventName::RecordStart => {
                self.recording = true;
                place::recorded(&self.app, true);
            }
            EventName::ChannelPark => {
                if claim::is_led(event) {
                    self.on_its_way = None;
                }
                self.hold();
            }
            EventName::ChannelBridge => self.bridged(event),
            EventName::ChannelUnbridge => self.unbridged(event),
            EventName::ChannelHangup => {
                self.hangup_cause = event.hangup_cause().map(std::borrow::Cow::into_owned);
                self.look_at_media();
                self.look_at_cause(event);
                self.look_at_recording();
            }
            EventName::ChannelHangupComplete => {
                self.unbridged(event);
                self.hung_up();
                // What it abandons comes after it; nothing of that is of use any more.
                return Some(End::HungUp);
            }
            _ => {}
        }
        None
    }

    /// FreeSWITCH has let the channel go with another controller's silent connection and asks who
    /// holds it: this exchange does.
    fn hold(&mut self) {
        if let Some(channel) = self.line.session.channel().copied() {
            self.line.session.send(&Command::Api(Api::sched_del(&channel)));
        }
    }

    /// The caller is gone: the flow's verb gets no answer, which is [`HungUp`] to it.
    fn hung_up(&mut self) {
        self.pending = None;
    }

    fn replied(&mut self, id: esl::ReplyId, answer: &Answer) {
        if self.media_replied(id, answer) {
            return;
        }
        let refused = match answer {
            Answer::Reply(reply) => (!reply.ok).then(|| reply.text.clone()),
            Answer::Api(response) => (!response.ok()).then(|| response.text()),
            Answer::Lost(Why::Hangup | Why::Eof) => return,
            Answer::Lost(why @ (Why::Deadline | Why::Refused)) => Some(format!("{why:?}")),
        };
        if self.recording_replied(id, refused.is_none()) {
            return;
        }
        if let Some(problem) = refused {
            // A channel that has just gone down refuses everything; that is no fault.
            debug!(problem, "FreeSWITCH refused a command");
        }
    }

    fn completed(&mut self, uuid: Uuid, completion: Completion) {
        let Some(pending) = self.pending.take_if(|pending| pending.waits_for(uuid)) else { return };
        match completion {
            Completion::Done(event) => self.finish(pending, &event),
            // Dropped with it, the reply tells the flow that the caller is lost.
            Completion::Abandoned(why) => {
                if matches!(why, Why::Deadline | Why::Refused) {
                    warn!(?why, "an application did not run to its end");
                    self.kill(Cause::NormalClearing);
                }
            }
        }
    }

    fn execute(&mut self, execute: Execute) -> Uuid {
        self.line.session.execute(execute)
    }
}

fn in_a_while(patience: Duration) -> tokio::time::Instant {
    tokio::time::Instant::from_std(clock::instant() + patience)
}

async fn at(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
