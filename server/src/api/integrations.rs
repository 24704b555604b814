//! Over which channel a partner is told, and our own integrations: what was posted to them, and posting it again.

use domain::values::{Line, Moment};
use uuid::Uuid;

use super::call::{Call, Page, Reply, fault, instant_key};
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::endpoints::{
    AttemptLine, EndpointView, Format, Integration, PartnerChannel, PostLine, Subscribed, Tested, Told, Way,
    WebhookAddress,
};
use crate::problem::Problem;

/// What these operations need.
const ADMINISTER: &[Scope] = &[Scope::Administer];

/// Operations on channels and integrations.
pub const GROUP: Group = Group {
    name: "Channels and integrations",
    about: "How a partner is told: its node, its ticket system, a link by e-mail, or by hand. And programs of our own that \
            hear of what happens. A secret is shown once.",
    operations: &[
        get("/partners/{id}/channel", "get_channel", "How a partner is told", run!(channel))
            .needs(ADMINISTER)
            .gives::<Channel>(),
        post("/partners/{id}/channel", "set_channel", "Tell a partner another way from now on", run!(set_channel))
            .needs(ADMINISTER)
            .takes::<SetChannel>()
            .makes::<MaybeSecret>()
            .shown_once(),
        post(
            "/partners/{id}/channel/secret",
            "replace_channel_secret",
            "Another secret for a partner's webhook; the one before signs too for a week",
            run!(partner_secret),
        )
        .needs(ADMINISTER)
        .makes::<NewSecret>()
        .shown_once(),
        post("/partners/{id}/channel/test", "test_channel", "Send a partner's webhook a test", run!(test_partner))
            .needs(ADMINISTER)
            .gives::<TestResult>(),
        get("/integrations", "list_integrations", "Our integrations, the first made first", run!(list))
            .needs(ADMINISTER)
            .lists::<IntegrationDetails>(),
        post("/integrations", "add_integration", "Add an integration", run!(add))
            .needs(ADMINISTER)
            .takes::<IntegrationSettings>()
            .makes::<AddedIntegration>()
            .shown_once(),
        get("/integrations/{id}", "get_integration", "One integration", run!(one))
            .needs(ADMINISTER)
            .gives::<IntegrationDetails>(),
        put("/integrations/{id}", "put_integration", "Change an integration; its secret stays", run!(save))
            .needs(ADMINISTER)
            .takes::<IntegrationSettings>()
            .gives::<IntegrationDetails>(),
        post("/integrations/{id}/pause", "pause_integration", "Stop it for now; nothing is lost", run!(pause))
            .needs(ADMINISTER),
        post("/integrations/{id}/resume", "resume_integration", "Let it go on", run!(resume)).needs(ADMINISTER),
        post("/integrations/{id}/remove", "remove_integration", "Remove it", run!(remove)).needs(ADMINISTER),
        post(
            "/integrations/{id}/secret",
            "replace_integration_secret",
            "Another secret; the one before signs too for a week",
            run!(secret),
        )
        .needs(ADMINISTER)
        .makes::<NewSecret>()
        .shown_once(),
        post("/integrations/{id}/test", "test_integration", "Post it a test", run!(test))
            .needs(ADMINISTER)
            .gives::<TestResult>(),
        get("/integrations/{id}/posts", "list_posts", "What was posted to it, the newest first", run!(posts))
            .needs(ADMINISTER)
            .lists::<Post>(),
        get("/posts/{id}/attempts", "list_post_attempts", "The attempts of one post, the newest first", run!(attempts))
            .needs(ADMINISTER)
            .lists::<PostAttempt>(),
        post("/integrations/{id}/replay", "replay_posts", "Post some again, or all since an instant", run!(replay))
            .needs(ADMINISTER)
            .takes::<Replay>()
            .gives::<Replayed>(),
    ],
};

answer! {
    /// How a partner is told.
    Channel {
        /// Over which channel.
        told: Told,
        /// The URL or mail address of that channel; null for a node, and by hand.
        address: Option<String>,
        /// Only case, phase and link are sent.
        reduced: bool,
        /// Address ranges admitted for the webhook.
        ranges: Vec<String>,
        /// For how many seconds nothing got through.
        failing_seconds: Option<u32>,
        /// Our public key for webhooks; null until our keys are next replaced.
        public_key: Option<String>,
    }
}

request! {
    /// How a partner is told from now on.
    SetChannel {
        /// Over which channel.
        told: Told,
        /// The URL of a webhook, or the mail address; null for a node, and by hand.
        address: Option<String>,
        /// The port in the URL is right although it is not 443.
        other_port: bool,
        /// Address ranges to admit for the webhook although they are not public (CIDR).
        ranges: Vec<String>,
        /// Send only case, phase and link.
        reduced: bool,
    }
}

answer! {
    /// What was made.
    MaybeSecret {
        /// The secret of a new webhook: shown once. Null when none was made.
        secret: Option<String>,
    }
}

answer! {
    /// A secret.
    NewSecret {
        /// It: shown once.
        secret: String,
    }
}

answer! {
    /// What came of a test.
    TestResult {
        /// The other side took it.
        taken: bool,
        /// The status, if a server answered.
        status: Option<u32>,
        /// How long it took, in milliseconds.
        took_ms: u32,
        /// Why there was no answer.
        detail: Option<String>,
    }
}

answer! {
    /// An integration.
    IntegrationDetails {
        /// Which.
        id: Uuid,
        /// What people call it.
        name: String,
        /// Where it is.
        address: String,
        /// The port in the address is admitted although it is not 443.
        other_port: bool,
        /// Address ranges admitted for it.
        ranges: Vec<String>,
        /// What its bodies look like.
        format: Format,
        /// What it hears of.
        events: Vec<Subscribed>,
        /// works, failing or paused.
        state: &'static str,
    }
}

request! {
    /// An integration, all of it.
    IntegrationSettings {
        /// What people call it.
        name: Line,
        /// Where it is.
        address: String,
        /// The port in the address is right although it is not 443.
        other_port: bool,
        /// Address ranges to admit although they are not public (CIDR).
        ranges: Vec<String>,
        /// What its bodies look like.
        format: Format,
        /// What it hears of.
        events: Vec<Subscribed>,
    }
}

answer! {
    /// An integration that was added.
    AddedIntegration {
        /// Which.
        id: Uuid,
        /// Its secret: shown once.
        secret: String,
    }
}

answer! {
    /// Something that was posted.
    Post {
        /// Which.
        id: Uuid,
        /// What happened: the word of an event, or test.
        event: &'static str,
        /// When it was queued, or queued again.
        queued_at: Moment,
        /// queued, waiting, accepted or failed.
        state: &'static str,
        /// Attempts so far.
        attempts: u32,
        /// What the last one came to.
        last_outcome: Option<String>,
    }
}

answer! {
    /// One attempt.
    PostAttempt {
        /// 1, 2, 3 …
        number: u32,
        /// When.
        at: Moment,
        /// accepted, busy, misdirected or not_reached.
        outcome: String,
        /// The status, if a server answered.
        status: Option<u32>,
        /// How long it took, in milliseconds.
        took_ms: u32,
    }
}

request! {
    /// What to post again: these posts, or all since an instant.
    Replay {
        /// Posts; what still waits is passed over. Null with an instant.
        posts: Option<Vec<Uuid>>,
        /// Since when. Null with posts.
        since: Option<Moment>,
    }
}

answer! {
    /// What was posted again.
    Replayed {
        /// How many.
        count: u32,
        /// There are more since then.
        more: bool,
    }
}

impl Channel {
    fn of(channel: PartnerChannel, elapsed: Moment) -> Self {
        let failed_since = channel.lane.as_ref().and_then(|lane| lane.failed_since);
        let endpoint = match channel.told {
            Told::Webhook => channel.webhook,
            Told::Mail => channel.mail,
            Told::Node | Told::Hand => None,
        };
        Self {
            told: channel.told,
            reduced: endpoint.as_ref().is_some_and(|endpoint| endpoint.reduced),
            ranges: endpoint.as_ref().map(|endpoint| endpoint.ranges.clone()).unwrap_or_default(),
            address: endpoint.map(|endpoint| endpoint.address),
            failing_seconds: failed_since.map(|since| u32::try_from(elapsed.seconds_since(since)).unwrap_or(0)),
            public_key: channel.public_key,
        }
    }
}

impl TestResult {
    fn of(tested: &Tested) -> Self {
        Self {
            taken: tested.taken,
            status: tested.status.map(u32::from),
            took_ms: tested.took_ms,
            detail: tested.detail.map(str::to_owned),
        }
    }
}

impl IntegrationDetails {
    fn of(endpoint: EndpointView) -> Self {
        Self {
            id: endpoint.id,
            state: match (endpoint.paused, endpoint.failed_since) {
                (true, _) => "paused",
                (false, Some(_)) => "failing",
                (false, None) => "works",
            },
            name: endpoint.name,
            address: endpoint.address,
            other_port: endpoint.port.is_some(),
            ranges: endpoint.ranges,
            format: endpoint.format,
            events: endpoint.events,
        }
    }
}

impl From<IntegrationSettings> for Integration {
    fn from(settings: IntegrationSettings) -> Self {
        let IntegrationSettings { name, address, other_port, ranges, format, events } = settings;
        Self { name, address: WebhookAddress { url: address, other_port, ranges }, format, events }
    }
}

impl Post {
    fn of(line: PostLine) -> Self {
        Self {
            id: line.id,
            event: line.event.word(),
            queued_at: line.queued_at,
            state: line.state.word(),
            attempts: line.attempts,
            last_outcome: line.last_outcome,
        }
    }
}

impl PostAttempt {
    fn of(line: AttemptLine) -> Self {
        let AttemptLine { number, at, outcome, status, took_ms } = line;
        Self { number, at, outcome, status: status.map(u32::from), took_ms }
    }
}

async fn channel(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let channel = call.node.partner_channel(call.id()?).await?;
    Ok(Reply::one(&Channel::of(channel, call.node.time().elapsed())))
}

async fn set_channel(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id: domain::values::PartnerId = call.id()?;
    let SetChannel { told, address, other_port, ranges, reduced } = call.body()?;
    let given = || address.clone().ok_or_else(|| fault("/address", "this channel needs one"));
    let way = match told {
        Told::Node => Way::Node,
        Told::Hand => Way::Hand,
        Told::Mail => Way::Mail { address: given()? },
        Told::Webhook => Way::Webhook { address: WebhookAddress { url: given()?, other_port, ranges }, reduced },
    };
    let secret = call.node.set_partner_channel(&by, id, way).await?;
    let secret = secret.map(|secret| secret.as_str().to_owned());
    Ok(Reply::made(&MaybeSecret { secret }, &format!("/partners/{id}/channel")))
}

async fn partner_secret(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id: domain::values::PartnerId = call.id()?;
    let secret = call.node.replace_partner_secret(&by, id).await?.as_str().to_owned();
    Ok(Reply::made(&NewSecret { secret }, &format!("/partners/{id}/channel")))
}

async fn test_partner(call: Call) -> Result<Reply, Problem> {
    let tested = call.node.test_partner_webhook(&call.administrator()?, call.id()?).await?;
    Ok(Reply::plain(&TestResult::of(&tested)))
}

async fn list(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let items = call.node.integrations().await?;
    Ok(call.page_of(items, |endpoint| endpoint.id.to_string())?.reply(IntegrationDetails::of))
}

async fn add(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let settings: IntegrationSettings = call.body()?;
    let (id, secret) = call.node.add_integration(&by, settings.into()).await?;
    let secret = secret.as_str().to_owned();
    Ok(Reply::made(&AddedIntegration { id, secret }, &format!("/integrations/{id}")))
}

async fn found(call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::one(&IntegrationDetails::of(call.node.integration(call.id()?).await?)))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    found(&call).await
}

async fn save(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    call.must_match(&found(&call).await?)?;
    let settings: IntegrationSettings = call.body()?;
    call.node.save_integration(&by, call.id()?, settings.into()).await?;
    found(&call).await
}

async fn pause(call: Call) -> Result<Reply, Problem> {
    call.node.pause_integration(&call.administrator()?, call.id()?, true).await?;
    Ok(Reply::done())
}

async fn resume(call: Call) -> Result<Reply, Problem> {
    call.node.pause_integration(&call.administrator()?, call.id()?, false).await?;
    Ok(Reply::done())
}

async fn remove(call: Call) -> Result<Reply, Problem> {
    call.node.remove_integration(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn secret(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id: Uuid = call.id()?;
    let secret = call.node.replace_integration_secret(&by, id).await?.as_str().to_owned();
    Ok(Reply::made(&NewSecret { secret }, &format!("/integrations/{id}")))
}

async fn test(call: Call) -> Result<Reply, Problem> {
    let tested = call.node.test_integration(&call.administrator()?, call.id()?).await?;
    Ok(Reply::plain(&TestResult::of(&tested)))
}

async fn posts(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let page = call.node.posts(call.id()?, call.after(instant_key::<Uuid>)?, call.limit()?).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(Post::of))
}

async fn attempts(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let items = call.node.post_attempts(call.id()?).await?;
    Ok(call.page_of(items, |line| line.number.to_string())?.reply(PostAttempt::of))
}

async fn replay(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id = call.id()?;
    let replayed = match call.body()? {
        Replay { posts: Some(posts), since: None } => call.node.replay(&by, id, posts).await?,
        Replay { posts: None, since: Some(since) } => call.node.replay_since(&by, id, since).await?,
        Replay { .. } => return Err(fault("/posts", "give posts, or an instant, and not both")),
    };
    let count = u32::try_from(replayed.count).unwrap_or(u32::MAX);
    Ok(Reply::plain(&Replayed { count, more: replayed.more }))
}
