//! The doctor: why connections do not come about.

use connectoid::api;

use crate::{
    error::{ErrorKind, NodeError},
    limits,
    node::Node,
};

/// What the doctor found.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Diagnosis {
    /// The findings; none if all is well.
    pub findings: Vec<Finding>,
    /// What happened lately, oldest first, without secrets.
    pub trace: Vec<String>,
}

/// One finding of the doctor.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Finding {
    /// The peer or service that it is about.
    pub about: String,
    /// What is wrong, for programs.
    pub kind: ErrorKind,
    /// What is wrong and what to do, for people.
    pub text: String,
}

#[uniffi::export]
impl Node {
    /// Finds out why connections do not come about: to one person, or to everybody.
    pub async fn diagnose(&self, nickname: Option<String>) -> Result<Diagnosis, NodeError> {
        limits::names(&[nickname.as_deref().unwrap_or_default()])?;
        Ok(self.open_node()?.diagnose(nickname.as_deref()).await?.into())
    }
}

impl From<api::Diagnosis> for Diagnosis {
    fn from(diagnosis: api::Diagnosis) -> Self {
        let findings = diagnosis.findings.into_iter().map(Into::into).collect();
        Self { findings, trace: diagnosis.trace }
    }
}

impl From<api::Finding> for Finding {
    fn from(finding: api::Finding) -> Self {
        Self { about: finding.about, kind: finding.kind.into(), text: finding.message }
    }
}
