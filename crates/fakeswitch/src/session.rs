//! The task of a leg: it runs the dialplan and the applications, and sees to the phone meanwhile.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, sleep_until},
};

use crate::{
    apps,
    cause::Cause,
    cdr::Applied,
    leg::{Direction, Leg, Queued},
    phone::Act,
};

/// A frame of media: what is queued is looked at this often.
const FRAME: Duration = Duration::from_millis(20);

/// A leg and the hand that holds it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) leg: Arc<Leg>,
    acts: UnboundedReceiver<Act>,
    /// Somebody still holds the phone.
    held: bool,
    /// CF_EVENT_LOCK: what is queued waits until the running application has ended.
    locks: u32,
    /// The instant of a frame; the others follow every 20 ms.
    began: Instant,
}

/// What was found out about an application's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown;

impl Session {
    pub(crate) fn new(leg: Arc<Leg>, acts: UnboundedReceiver<Act>) -> Self {
        Self { leg, acts, held: true, locks: 0, began: Instant::now() }
    }

    /// Runs a dialplan's actions and then the end of the call.
    pub(crate) async fn run(mut self, dialplan: Vec<(String, String)>) {
        self.leg.fire("CHANNEL_CREATE", &[]);
        self.leg.fire("CHANNEL_STATE", &[]);
        let mut step = 0;
        for (application, data) in &dialplan {
            if !self.leg.is_up() {
                break;
            }
            step += 1;
            let data = (!data.is_empty()).then_some(data.as_str());
            // An unknown one hangs up.
            let _ = self.execute(application, data, None).await;
            // CS_RESET is over as soon as what ran has ended: CS_EXECUTE goes on behind it.
            self.leg.lock().reset = false;
        }
        // The dialplan has ended (switch_core_state_machine.c).
        self.leg.hang_up(Cause::NORMAL_CLEARING);
        self.leg.finish(&dialplan, step);
    }

    /// A dialled leg: its phone does what it does until the call ends.
    pub(crate) async fn serve(mut self) {
        while self.leg.is_up() {
            self.wait(None).await;
            if self.leg.lock().peer.is_some() {
                self.leg.pass_keys();
            }
            self.run_answer_hooks().await;
            self.run_queue().await;
        }
        // A recording that was told to end with the talk has been fed until now.
        self.leg.finish(&[], 0);
    }

    /// The next frame's instant.
    pub(crate) fn next_frame(&self) -> Instant {
        let past = self.began.elapsed().as_micros() / FRAME.as_micros();
        let frames = u32::try_from(past).unwrap_or(u32::MAX).saturating_add(1);
        self.began + FRAME * frames
    }

    /// Waits until something happens or the time has come, and lets the phone act.
    pub(crate) async fn wait(&mut self, until: Option<Instant>) {
        let timer = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            act = self.acts.recv(), if self.held => self.act(act),
            () = self.leg.wake.notified() => {}
            () = timer => {}
        }
    }

    /// Waits inside an application: until the time has come, a key is pressed, or the channel is
    /// no longer ready. Commands without event-lock run meanwhile, nested in the application.
    pub(crate) async fn pause(&mut self, until: Option<Instant>) {
        loop {
            if !self.leg.is_ready() || self.leg.has_keys() || is_past(until) {
                return;
            }
            self.wait(until).await;
            if self.locks == 0 && !self.leg.lock().queue.is_empty() {
                self.tick().await;
                self.run_queue().await;
            }
        }
    }

    /// Lets a frame pass, whatever happens.
    pub(crate) async fn tick(&mut self) {
        let frame = self.next_frame();
        while Instant::now() < frame && self.leg.is_ready() {
            self.wait(Some(frame)).await;
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locks > 0
    }

    fn act(&mut self, act: Option<Act>) {
        let outbound = self.leg.direction == Direction::Outbound;
        match act {
            // A phone that is dropped hangs up.
            None => {
                self.held = false;
                self.phone_hangs_up();
            }
            Some(Act::HangUp) => self.phone_hangs_up(),
            Some(Act::Press(key)) => self.leg.press(key),
            Some(Act::Voice(hz)) => self.leg.speak(hz),
            Some(Act::Ring) if outbound => self.leg.ring(),
            Some(Act::EarlyMedia) if outbound => self.leg.pre_answer(),
            Some(Act::Answer) if outbound => self.leg.answer(),
            Some(Act::Reject(status)) if outbound && !self.leg.is_answered() => {
                self.refuse(status);
            }
            // A caller's phone neither rings nor answers.
            Some(Act::Ring | Act::EarlyMedia | Act::Answer | Act::Reject(_)) => {}
        }
    }

    fn phone_hangs_up(&mut self) {
        if self.leg.direction == Direction::Outbound && !self.leg.is_answered() {
            return self.refuse(487);
        }
        self.leg.lock().by_phone = true;
        let answered = self.leg.is_answered();
        self.leg.hang_up(if answered { Cause::NORMAL_CLEARING } else { Cause::ORIGINATOR_CANCEL });
        self.leg.set("sip_hangup_disposition", if answered { "recv_bye" } else { "recv_cancel" });
    }

    fn refuse(&mut self, status: u16) {
        if self.leg.is_up() {
            {
                let mut state = self.leg.lock();
                state.by_phone = true;
                state.refused = Some(status);
            }
            self.leg.hang_up(Cause::of_sip(status));
        }
    }

    /// Runs all that is queued (`switch_ivr_parse_all_events`).
    pub(crate) async fn run_queue(&mut self) {
        while self.leg.is_ready() {
            let Some(queued) = self.leg.lock().queue.pop_front() else { return };
            self.run_queued(queued).await;
        }
    }

    /// `switch_ivr_parse_event`.
    async fn run_queued(&mut self, queued: Queued) {
        let Queued { command, application, argument, uuid, cause, lock, loops } = queued;
        self.locks += u32::from(lock);
        match command.as_str() {
            "execute" if !application.is_empty() => {
                for turn in 1..=loops {
                    {
                        let variables = &mut self.leg.lock().variables;
                        if let Some(uuid) = &uuid {
                            variables.set("app_uuid", uuid);
                        }
                        variables.set("current_loop", &turn.to_string());
                        variables.set("total_loops", &loops.to_string());
                    }
                    let began = Instant::now();
                    let uuid = uuid.as_deref();
                    let known = self.execute(&application, argument.as_deref(), uuid).await;
                    let brief = began.elapsed() < Duration::from_millis(500);
                    if known.is_err() || brief || !self.leg.is_ready() {
                        break;
                    }
                }
                let variables = &mut self.leg.lock().variables;
                variables.unset("current_loop");
                variables.unset("total_loops");
            }
            "hangup" => {
                let cause = cause.as_deref().map_or(Cause::NORMAL_CLEARING, Cause::named);
                self.leg.hang_up(cause);
            }
            // Others exist, and are none of a controller's that plays prompts and dials.
            _ => {}
        }
        self.locks -= u32::from(lock);
    }

    /// `switch_core_session_execute_application`.
    pub(crate) fn execute<'a>(
        &'a mut self,
        application: &'a str,
        argument: Option<&'a str>,
        uuid: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Unknown>> + Send + 'a>> {
        Box::pin(async move {
            let Some(app) = apps::App::named(application) else {
                self.leg.hang_up(Cause::DESTINATION_OUT_OF_ORDER);
                return Err(Unknown);
            };
            if app.needs_media() && !self.leg.has_media() {
                self.leg.pre_answer();
                self.tick().await;
                if !self.leg.is_ready() {
                    return Ok(());
                }
            }
            let uuid = uuid.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
            let name = app.name();
            let data = {
                let mut state = self.leg.lock();
                let data = argument.map(|argument| state.variables.expand(argument));
                let text = data.clone().unwrap_or_default();
                let at = self.leg.office.clock.micros();
                state.applied.push(Applied { name: name.to_owned(), data, at });
                state.variables.unset("app_uuid");
                state.variables.set("current_application", name);
                state.variables.set("current_application_data", &text);
                state.variables.unset("current_application_response");
                text
            };
            self.leg.fire(
                "CHANNEL_EXECUTE",
                &[("Application", name), ("Application-Data", &data), ("Application-UUID", &uuid)],
            );
            self.leg.set("current_application", name);
            app.run(self, &data).await;
            let response = self.leg.variable("current_application_response");
            self.leg.fire(
                "CHANNEL_EXECUTE_COMPLETE",
                &[
                    ("Application", name),
                    ("Application-Data", &data),
                    ("Application-Response", response.as_deref().unwrap_or("_none_")),
                    ("Application-UUID", &uuid),
                ],
            );
            Ok(())
        })
    }

    /// `execute_on_answer` and `api_on_answer`, once.
    pub(crate) async fn run_answer_hooks(&mut self) {
        if !std::mem::take(&mut self.leg.lock().answer_hooks) {
            return;
        }
        if let Some(api) = self.leg.variable("api_on_answer") {
            let (name, arguments) = api.split_once(' ').unwrap_or((&api, ""));
            crate::api::run(&self.leg.office, name, arguments);
        }
        let hooks: Vec<String> = self
            .leg
            .lock()
            .variables
            .as_slice()
            .iter()
            .filter(|(name, _)| name.to_ascii_lowercase().starts_with("execute_on_answer"))
            .map(|(_, value)| value.clone())
            .collect();
        for hook in hooks {
            let split = hook.split_once("::").or_else(|| hook.split_once(' '));
            let (application, data) = split.unwrap_or((&hook, ""));
            let data = (!data.is_empty()).then_some(data);
            // An unknown one hangs up.
            let _ = self.execute(application, data, None).await;
        }
    }
}

pub(crate) fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}
