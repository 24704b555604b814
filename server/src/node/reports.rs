//! Door 1a for reports to the regulator: answers, signatures, submissions with their proof, follow-ups; and the answers that
//! stand for every report. Who we are and what stands is read in the same transaction as the incident.

use domain::incident;
use domain::incident::report::{Command, NewAnswer, Proof, Refusal, Sent, WorkedOn};
use domain::report::{About, FormId, QuestionId, Standing, Submission};
use domain::values::{Actor, Digest32, IncidentId, Line, LongText, Moment, Text};
use serde_json::json;
use uuid::Uuid;

use super::administer::note;
use super::execute::decide;
use super::views::Draft;
use super::{DoorError, Node};
use crate::access::{Dpo, Reporter, SignedIn, Spokesperson};
use crate::store::queries::partners as known;
use crate::store::{Rows, StoreError, partners, reports};

/// A file that proves a submission, looked at already.
#[derive(Debug, Clone)]
pub struct ProofFile {
    /// Its name.
    pub name: Line,
    /// What it was found to be.
    pub kind: &'static str,
    /// All of it.
    pub octets: Vec<u8>,
}

impl ProofFile {
    fn described(&self) -> Result<Proof, DoorError> {
        let kind = Text::parse(self.kind).map_err(|_| DoorError::Invalid("this kind of file is not known"))?;
        let octets = u32::try_from(self.octets.len()).map_err(|_| DoorError::Invalid("this file is too long"))?;
        Ok(Proof { name: self.name.clone(), kind, octets, sha256: Digest32::of(&self.octets) })
    }
}

/// All that reports say of ourselves.
fn about(rows: &mut Rows<'_>) -> Result<Box<About>, DoorError> {
    let organisation = partners::organisation(rows)?.ok_or(DoorError::NotFound)?;
    let (_, standing) = partners::standing_answers(rows)?;
    Ok(Box::new(About { organisation, standing }))
}

/// Addresses that are no finding in a text, and names that are one.
fn known_texts(rows: &mut Rows<'_>) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let (mut contacts, names) = known::known_texts(rows)?;
    if let Some(us) = partners::organisation(rows)? {
        let ours = [Some(&us.contact), us.dpo.as_ref()].into_iter().flatten();
        contacts.extend(ours.filter_map(|contact| contact.email.as_ref()).map(ToString::to_string));
    }
    Ok((contacts, names))
}

impl Node {
    /// All that reports say of ourselves, as it stands.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn about_us(&self) -> Result<About, DoorError> {
        let (_, standing) = self.standing_answers().await?;
        Ok(About { organisation: (*self.organisation()).clone(), standing })
    }

    /// Addresses that are no finding in a text, and names of people known here.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn known_texts(&self) -> Result<(Vec<String>, Vec<String>), DoorError> {
        Ok(self.store.read(known_texts).await?)
    }

    /// The answers that stand for every report, and their version: 0 before anybody wrote one.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn standing_answers(&self) -> Result<(u32, Standing), DoorError> {
        Ok(self.store.read(partners::standing_answers).await?)
    }

    /// Writes the answers that stand for every report. `seen` is the version that the editor saw.
    ///
    /// # Errors
    /// [`DoorError::Stale`] when another version stands.
    pub async fn set_standing_answers(
        &self,
        by: &Spokesperson,
        seen: u32,
        standing: Standing,
    ) -> Result<u32, DoorError> {
        let by = by.actor().clone();
        let version = self
            .store
            .write(self.time.now(), move |turn| {
                let (version, before) = partners::standing_answers(turn.rows())?;
                if version != seen {
                    return Err(DoorError::Stale);
                }
                if before == standing {
                    return Ok(version);
                }
                let version = version.saturating_add(1);
                partners::set_standing_answers(turn, version, &standing)?;
                let about = json!({ "version": version, "answers": standing });
                note(turn, &by, "standing_answers_set", &about)?;
                Ok(version)
            })
            .await?;
        self.changed();
        Ok(version)
    }

    /// Works on another form.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn choose_report_form(&self, by: &Reporter, id: IncidentId, form: FormId) -> Result<(), DoorError> {
        self.on_report(id, by.actor(), |_| Command::ChooseForm { form }).await
    }

    /// Writes answers on the report that their author saw: all of them or none.
    ///
    /// # Errors
    /// [`DoorError::Refused`] naming each that is not acceptable, or that somebody else answered meanwhile; or when another
    /// report is worked on.
    pub async fn write_answers(
        &self,
        by: &Reporter,
        id: IncidentId,
        on: WorkedOn,
        answers: Vec<NewAnswer>,
    ) -> Result<(), DoorError> {
        self.on_report(id, by.actor(), |about| Command::Write { on, answers, about }).await
    }

    /// Lets a text stay although it looks like personal data. `seen` is the SHA-256 of the text that was looked at.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when the text is another one by now.
    pub async fn accept_warning(
        &self,
        by: &Reporter,
        id: IncidentId,
        question: QuestionId,
        seen: Digest32,
        reason: LongText,
    ) -> Result<(), DoorError> {
        self.on_report(id, by.actor(), move |about| Command::Accept { question, seen, reason, about }).await
    }

    /// Signs a report off, once more with the password. `seen` is the digest of the answers that were looked at.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for a wrong password; [`DoorError::Refused`] saying what is in the way.
    pub async fn sign_report_off(
        &self,
        who: &SignedIn,
        by: &Dpo,
        id: IncidentId,
        seen: Digest32,
        password: String,
    ) -> Result<(), DoorError> {
        self.must_know_password(who, "report_sign_off", password).await?;
        let (own_contacts, names) = self.known_texts().await?;
        let command = move |about| Command::SignOff { seen, about, own_contacts, names };
        self.on_report(id, by.actor(), command).await
    }

    /// Records that the report was submitted.
    ///
    /// # Errors
    /// [`DoorError::Refused`], also without reasons after the legal limit.
    pub async fn record_submission(
        &self,
        by: &Reporter,
        id: IncidentId,
        submission: Submission,
    ) -> Result<(), DoorError> {
        self.record_submission_with(by, id, submission, Sent::default(), None).await
    }

    /// The same, with the file that proves it, bound to the report that was looked at.
    ///
    /// # Errors
    /// As [`Node::record_submission`].
    pub async fn record_submission_with(
        &self,
        by: &Reporter,
        id: IncidentId,
        submission: Submission,
        sent: Sent,
        file: Option<ProofFile>,
    ) -> Result<(), DoorError> {
        let proof = file.as_ref().map(ProofFile::described).transpose()?;
        let (keys, by) = (self.keys(), by.actor().clone());
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let number = before.reports.number();
                let command = Command::File { submission, proof, sent, about: about(turn.rows())? };
                decide(turn, &keys, id, Some(before), incident::Command::Report { command, by })?;
                if let Some(file) = file {
                    reports::keep_proof(turn, id, number, &file.octets)?;
                }
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Adds the file that proves a submission.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when there is no such report, or it has one.
    pub async fn add_proof(
        &self,
        by: &Reporter,
        id: IncidentId,
        number: u32,
        file: ProofFile,
    ) -> Result<(), DoorError> {
        let proof = file.described()?;
        let (keys, by) = (self.keys(), by.actor().clone());
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let command = incident::Command::Report { command: Command::AddProof { number, proof }, by };
                decide(turn, &keys, id, Some(before), command)?;
                reports::keep_proof(turn, id, number, &file.octets)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// The file that proves a submission, with what the record says of it.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when there is none.
    pub async fn proof(&self, id: IncidentId, number: u32) -> Result<(Proof, Vec<u8>), DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let Some(state) = crate::store::queries::incidents::state(rows, id)? else { return Ok(None) };
                let proof = state.reports.filed(number).and_then(|filed| filed.proof.clone());
                let octets = reports::proof(rows, id, number)?;
                Ok(proof.zip(octets))
            })
            .await?;
        let (proof, octets) = found.ok_or(DoorError::NotFound)?;
        if Digest32::of(&octets) != proof.sha256 {
            let what = "a proof that is not the one on the record";
            return Err(StoreError::Corrupt { table: "report_proofs", what }.into());
        }
        Ok((proof, octets))
    }

    /// Opens a report that follows up.
    ///
    /// # Errors
    /// [`DoorError::Refused`] unless a report was submitted and no follow-up is open.
    pub async fn follow_up(&self, by: &Reporter, id: IncidentId) -> Result<(), DoorError> {
        self.on_report(id, by.actor(), |_| Command::FollowUp).await
    }

    /// Keeps what a person typed in one part of a report. Answers when it was kept.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits of length and number.
    pub async fn keep_report_draft(
        &self,
        by: &SignedIn,
        id: IncidentId,
        part: &str,
        content: Vec<u8>,
    ) -> Result<Moment, DoorError> {
        let draft = (reports::draft_id(id, by.id(), part), reports::draft_purpose(id));
        self.keep_draft_about(by, id, draft, content, |_| true).await
    }

    /// What a person typed in one part of a report and has not saved.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn report_draft(&self, by: &SignedIn, id: IncidentId, part: &str) -> Result<Option<Draft>, DoorError> {
        let draft: Uuid = reports::draft_id(id, by.id(), part);
        self.draft(by, draft).await
    }

    /// Forgets it.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn discard_report_draft(&self, by: &SignedIn, id: IncidentId, part: &str) -> Result<(), DoorError> {
        let draft: Uuid = reports::draft_id(id, by.id(), part);
        self.discard_draft(by, draft).await
    }

    /// One command about the reports of an incident.
    async fn on_report(
        &self,
        id: IncidentId,
        by: &Actor,
        command: impl FnOnce(Box<About>) -> Command + Send + 'static,
    ) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.clone());
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let command = command(about(turn.rows())?);
                decide(turn, &keys, id, Some(before), incident::Command::Report { command, by })
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// The rule about reports that said no, if it was one.
#[must_use]
pub const fn refused(error: &DoorError) -> Option<&Refusal> {
    if let DoorError::Refused(incident::Refusal::Report(refusal)) = error { Some(refusal) } else { None }
}
