//! `check`: is there anything new, and if so, who may have it?

use std::time::Duration;

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{BoxReport, Check, CheckMany, Checked, CheckedMany, Cursor, Refusal},
};

use super::{Answer, Caller, Mailbox, waiters::Waiting};
use crate::{
    clock::Now,
    rules::{Refused, quota::has_news},
};

impl Mailbox {
    pub(super) async fn check(&self, check: &Check, caller: Caller<'_>) -> Result<Answer, Refused> {
        let id = check.cursor.id;
        self.admission.request(&[id], caller.network, self.clock.now())?;
        let mut waiting = self.register(&[id], check.wait, caller)?;
        loop {
            let now = self.clock.now();
            let found = self.has_news(check.cursor, caller, now).await?;
            if found || check.ask {
                let question = self.ask(check.cursor, caller, now).await?;
                return Ok(Answer::Checked(Checked { found, question: Some(question) }));
            }
            if !changed(&mut waiting).await {
                return Ok(Answer::Nothing);
            }
        }
    }

    pub(super) async fn check_many(&self, check: &CheckMany, caller: Caller<'_>) -> Result<Answer, Refused> {
        let ids: Vec<_> = check.cursors.iter().map(|cursor| cursor.id).collect();
        self.admission.request(&ids, caller.network, self.clock.now())?;
        let mut waiting = self.register(&ids, check.wait, caller)?;
        loop {
            let boxes = self.reports(&check.cursors, caller).await;
            if !boxes.is_empty() {
                let found = boxes.iter().any(|report| report.found);
                return Ok(Answer::CheckedMany(CheckedMany { found, boxes }));
            }
            if !changed(&mut waiting).await {
                return Ok(Answer::Nothing);
            }
        }
    }

    /// Registers a check that waits, before it looks.
    fn register(&self, ids: &[BoxId], secs: u64, caller: Caller<'_>) -> Result<Option<Waiting>, Refused> {
        if secs == 0 {
            return Ok(None);
        }
        self.waiters.register(ids.to_vec(), caller.network, Duration::from_secs(secs)).map(Some)
    }

    pub(super) async fn reports(&self, cursors: &[Cursor], caller: Caller<'_>) -> Vec<BoxReport> {
        let mut reports = Vec::new();
        for cursor in cursors {
            reports.extend(self.report(*cursor, caller).await);
        }
        reports
    }

    /// What there is to say about one of several boxes; `None` if it holds nothing new.
    async fn report(&self, cursor: Cursor, caller: Caller<'_>) -> Option<BoxReport> {
        let now = self.clock.now();
        let report = |found, question, error: Option<Refusal>| {
            let error = error.map(|error| error.as_str().to_owned());
            Some(BoxReport { id: cursor.id.to_base64(), found, question, error })
        };
        match self.has_news(cursor, caller, now).await {
            Ok(false) => None,
            Err(refused) => report(false, None, Some(refused.reason)),
            Ok(true) => match self.ask(cursor, caller, now).await {
                Ok(question) => report(true, Some(question), None),
                Err(refused) => report(true, None, Some(refused.reason)),
            },
        }
    }

    async fn has_news(&self, cursor: Cursor, caller: Caller<'_>, now: Now) -> Result<bool, Refused> {
        let glance = self.look(cursor.id, caller, now).await?;
        if glance.closed {
            return Err(Refused::finally(Refusal::Closed));
        }
        Ok(has_news(glance.newest, cursor.at, glance.last, now.wall))
    }

    async fn ask(&self, cursor: Cursor, caller: Caller<'_>, now: Now) -> Result<String, Refused> {
        let origin = self.origins.dialled(caller.scheme, caller.authority)?;
        let admit = || self.admission.question(caller.network, now);
        let question = self.questions.ask(cursor.id, origin, now.wall, admit).await?;
        Ok(question.to_string())
    }
}

/// Waits for one of the boxes to change; `false` if the check does not wait (any longer).
async fn changed(waiting: &mut Option<Waiting>) -> bool {
    match waiting {
        Some(waiting) => waiting.changed().await,
        None => false,
    }
}
