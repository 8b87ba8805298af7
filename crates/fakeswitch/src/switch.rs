//! The switch as a test or a demo holds it.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Callee, Config, Faults, Invite, Phone, Rung,
    cause::Cause,
    clock::Clock,
    inbound,
    leg::{Direction, Leg},
    office::{Line, Office},
    phone::{Sight, phone},
    session::Session,
};

/// How long calls and connections may take to end. They need no time but for a mistake of the
/// simulator.
const FAREWELL: Duration = Duration::from_secs(30);

/// A simulated FreeSWITCH; a cheap handle to it. When the last one is dropped, its event socket
/// closes; calls that are under way go on to their ends.
#[derive(Debug, Clone)]
pub struct Switch(Arc<Handle>);

#[derive(Debug)]
struct Handle(Arc<Office>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.end_listening();
    }
}

impl Switch {
    /// Starts one.
    ///
    /// # Errors
    /// When the event socket's address cannot be bound.
    pub async fn start(config: Config) -> io::Result<Self> {
        let listener = match config.event_socket {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        let event_socket = match &listener {
            Some(listener) => Some(listener.local_addr()?),
            None => None,
        };
        #[expect(clippy::disallowed_methods, reason = "a demo begins at the present time of day")]
        let started_at = config.started_at.unwrap_or_else(SystemTime::now);
        let office = Arc::new(Office::new(config, Clock::starting(started_at), event_socket));
        if let Some(listener) = listener {
            office.spawn(inbound::accept(listener, Arc::clone(&office)));
        }
        Ok(Self(Arc::new(Handle(office))))
    }

    /// Where FreeSWITCH's own event socket listens.
    #[must_use]
    pub fn event_socket(&self) -> Option<SocketAddr> {
        self.office().event_socket
    }

    /// Who answers at a number, written as in the dial string (`+420…`).
    pub fn set_phone(&self, number: &str, callee: Callee) {
        self.office().set_line(number, Line::Callee(callee));
    }

    /// Nobody answers anywhere any more: all numbers are unallocated.
    pub fn clear_phones(&self) {
        self.office().clear_lines();
    }

    /// Calls to a number are handed over as phones that have done nothing yet.
    #[must_use]
    pub fn attend(&self, number: &str) -> UnboundedReceiver<Phone> {
        let (desk, phones) = unbounded_channel();
        self.office().set_line(number, Line::Attended(desk));
        phones
    }

    /// A caller's INVITE comes in, and the dialplan runs. Must be called in a tokio runtime.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "an INVITE is made for the call")]
    pub fn call(&self, invite: Invite) -> Phone {
        let office = self.office();
        let uuid = Uuid::new_v4();
        let (phone, handset) = phone(uuid, None);
        if !office.admits(Direction::Inbound) {
            // "Maximum Calls In Progress": no channel is made, so that there is no cause either.
            handset.display.show(Sight::Ended { code: 503, cause: String::new() });
            return phone;
        }
        let leg = Leg::inbound(office, &invite, uuid, handset.display);
        let session = Session::new(leg, handset.acts);
        office.spawn(session.run(self.dialplan()));
        phone
    }

    /// The project's public context: every call is handed to a controller.
    fn dialplan(&self) -> Vec<(String, String)> {
        let step = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        let office = self.office();
        if !office.is_running() {
            return vec![step("hangup", Cause::MANAGER_REQUEST.name())];
        }
        let mut steps = Vec::new();
        for (name, value) in &office.config.variables {
            steps.push(step("set", &format!("{name}={value}")));
        }
        let hosts: Vec<String> = office.controllers().iter().map(ToString::to_string).collect();
        steps.push(step("socket", &format!("{} async full", hosts.join("|"))));
        if let Some(apology) = &office.config.apology {
            steps.push(step("pre_answer", ""));
            steps.push(step("playback", &apology.display().to_string()));
        }
        steps.push(step("hangup", Cause::NORMAL_TEMPORARY_FAILURE.name()));
        steps
    }

    /// Every leg ever dialled out, in order.
    #[must_use]
    pub fn rung(&self) -> Vec<Rung> {
        self.office().rung()
    }

    /// What goes wrong with calls to come. Each leg keeps the faults that were set when it was made:
    /// a call under way, and what it records and sends later, goes on with those of its beginning.
    pub fn set_faults(&self, faults: Faults) {
        self.office().set_faults(faults);
    }

    /// Who controls calls to come.
    pub fn set_controllers(&self, controllers: Vec<SocketAddr>) {
        self.office().set_controllers(controllers);
    }

    /// Puts the time of day forward; whoever waits goes on waiting as long as before.
    pub fn skip(&self, time: Duration) {
        self.office().clock.skip(time);
    }

    /// How many channels there are.
    #[must_use]
    pub fn legs(&self) -> usize {
        self.office().legs().len()
    }

    /// How many connections of event sockets there are, of either kind.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.office().connections()
    }

    /// `fsctl shutdown`: hangs everything up, and returns when the CDRs are written and all
    /// connections are closed. What is not over after 30 s is broken off, as by [`Self::kill`].
    pub async fn stop(&self) {
        if timeout(FAREWELL, self.end()).await.is_err() {
            self.kill();
        }
    }

    async fn end(&self) {
        let office = self.office();
        office.end_listening();
        loop {
            let gone = office.gone.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            let legs = office.legs();
            if legs.is_empty() {
                break;
            }
            for leg in legs {
                leg.hang_up(Cause::MANAGER_REQUEST);
            }
            gone.await;
        }
        office.end();
        loop {
            let gone = office.gone.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            if office.connections() == 0 {
                return;
            }
            gone.await;
        }
    }

    /// `kill -9`: connections break, no CDR is written, and recordings keep a header that says
    /// that they are empty.
    pub fn kill(&self) {
        let office = self.office();
        office.end();
        for leg in office.legs() {
            leg.abandon();
        }
        office.abort();
    }

    fn office(&self) -> &Arc<Office> {
        &self.0.0
    }
}

#[cfg(test)]
mod tests;
