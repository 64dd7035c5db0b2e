//! A client that stays on the line: after it has checked, it is told what arrives.

use std::sync::Arc;

use connectoid_protocol::mailbox::{BoxReport, CheckedMany, Cursor, Pushed, Request};

use super::{Answer, Caller, Mailbox, waiters::Watch};
use crate::rules::{Network, Refused, headcount::Presence};

/// A client that stays, until it is dropped. It counts as one check that waits.
pub struct Session {
    mailbox: Arc<Mailbox>,
    /// The boxes about which it is told, each with the cursor of its check.
    cursors: Vec<Cursor>,
    watch: Option<Watch>,
    _presence: Presence,
}

impl Mailbox {
    /// Lets a client stay.
    ///
    /// # Errors
    /// `Too often` if too many checks of this client, or of all, wait already.
    pub fn open_session(self: &Arc<Self>, network: Network) -> Result<Session, Refused> {
        let presence = self.waiters.enter(network)?;
        Ok(Session { mailbox: self.clone(), cursors: Vec::new(), watch: None, _presence: presence })
    }
}

impl Session {
    /// Does what a request asks, as [`Mailbox::handle`]. It holds no check: instead, the boxes of the last
    /// `check` with `boxes` are watched, except for those about which its reply says something.
    ///
    /// # Errors
    /// What the client is to be told instead; then the boxes watched before are still watched.
    pub async fn handle(&mut self, mut request: Request, caller: Caller<'_>) -> Result<Answer, Refused> {
        match &mut request {
            Request::CheckMany(check) => {
                check.wait = 0;
                let cursors = check.cursors.clone();
                // Before it looks, so that no message slips in between.
                let watch = self.mailbox.waiters.watch(cursors.iter().map(|cursor| cursor.id).collect());
                let answer = self.mailbox.handle(request, caller).await?;
                (self.cursors, self.watch) = (cursors, Some(watch));
                if let Answer::CheckedMany(checked) = &answer {
                    self.leave_out(&checked.boxes);
                }
                return Ok(answer);
            }
            Request::Check(check) => check.wait = 0,
            _ => {}
        }
        self.mailbox.handle(request, caller).await
    }

    /// Waits until something happens in a watched box. Nothing is lost if the wait is given up.
    pub async fn rung(&self) {
        match &self.watch {
            Some(watch) => watch.rung().await,
            None => std::future::pending().await,
        }
    }

    /// What there is to say about the watched boxes. Those about which something is said are not watched
    /// any more until they are checked again.
    pub async fn report(&mut self, caller: Caller<'_>) -> Option<Answer> {
        let boxes = self.mailbox.reports(&self.cursors, caller).await;
        if boxes.is_empty() {
            return None;
        }
        self.leave_out(&boxes);
        let found = boxes.iter().any(|report| report.found);
        let pushed = Ok(Answer::Pushed(Pushed { push: true, checked: CheckedMany { found, boxes } }));
        self.mailbox.stats.count("check", &pushed);
        pushed.ok()
    }

    fn leave_out(&mut self, reported: &[BoxReport]) {
        self.cursors.retain(|cursor| {
            let id = cursor.id.to_base64();
            !reported.iter().any(|report| report.id == id)
        });
        if self.cursors.is_empty() {
            self.watch = None;
        }
    }
}
