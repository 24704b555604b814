//! `tocsin person` and `tocsin token`: people and their programs. Links and tokens are printed once, on standard output,
//! and kept nowhere.

use domain::values::Line;

use super::{Out, open, refused};
use crate::access::{Administrator, Scope};
use crate::config::{Fault, PersonCommand, TokenSettings};
use crate::node::people::NewInvitation;
use crate::node::people::links::{INVITATION_HOURS, RESET_HOURS};
use crate::node::{Account, Node};
use crate::serve::Failure;

const DAY_SECONDS: i64 = 86_400;

/// Adds a person, or lets one choose a new password.
///
/// # Errors
/// [`Fault`] when the address is taken, or unknown.
pub async fn person(command: &PersonCommand, out: Out<'_>) -> Result<(), Failure> {
    let by = Administrator::at_the_console();
    let (node, path, hours) = match command {
        PersonCommand::Add(settings) => {
            let node = open(&settings.node).await?;
            let new = NewInvitation {
                name: settings.name.clone(),
                email: settings.email.clone(),
                roles: settings.roles.clone(),
            };
            let (_, path) = node.invite(&by, new).await.map_err(refused)?;
            (node, path, INVITATION_HOURS)
        }
        PersonCommand::Reset(settings) => {
            let node = open(&settings.node).await?;
            let account = account(&node, &settings.email).await?;
            let path = node.reset_link(&by, account.id).await.map_err(refused)?;
            // Whoever never chose a password is invited again.
            (node, path, if account.password_hash.is_empty() { INVITATION_HOURS } else { RESET_HOURS })
        }
    };
    writeln!(out, "{}{path}", node.issuer())?;
    writeln!(out, "This link is shown once, works once, and only for {hours} hours. Give it to nobody else.")?;
    Ok(())
}

/// Makes an API token and prints it alone, so that a program can take it from there.
///
/// # Errors
/// [`Fault`] when nobody has the address, or they may not do themselves what the token shall do.
pub async fn token(settings: &TokenSettings, out: Out<'_>) -> Result<(), Failure> {
    let node = open(&settings.node).await?;
    let owner = account(&node, &settings.owner).await?.id;
    let scopes = settings.scopes.iter().map(|word| word.parse::<Scope>()).collect::<Result<Vec<_>, _>>();
    let scopes = scopes.map_err(|_| Fault("--scope must be read, respond, decide or administer.".to_owned()))?;
    let expires_at = node.time().elapsed().plus_seconds(settings.days.saturating_mul(DAY_SECONDS));
    let by = Administrator::at_the_console();
    let made = node.add_token_at_the_console(&by, owner, settings.label.clone(), scopes, expires_at).await;
    let (_, token) = made.map_err(refused)?;
    writeln!(out, "{token}")?;
    Ok(())
}

async fn account(node: &Node, email: &Line) -> Result<Account, Failure> {
    let found = node.account(email.as_str()).await.map_err(refused)?;
    Ok(found.ok_or_else(|| Fault("Nobody here has this mail address.".to_owned()))?)
}
