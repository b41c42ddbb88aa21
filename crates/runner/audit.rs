//! What people do, whichever door they come through: it is done, and kept in the audit with who and when.

use engine::{Audit, Command, JobId, Settlement};

use crate::{
    code::Code,
    exit::Trouble,
    http::access::Role,
    request::{From, Search, Switched},
    service::{By, Service, command_trouble, store_trouble},
};

impl Service {
    /// Does something to a job.
    pub async fn command(&self, by: &By, job: i64, command: Command) -> Result<(), Trouble> {
        let (what, detail) = words(&command);
        self.engine
            .command(JobId(job), &by.who, command)
            .await
            .map_err(|error| command_trouble(&error))?;
        self.keep(by, what, job, detail).await
    }

    /// Has every job that is found go on. Returns those that do, and why the others do not.
    pub async fn retry_many(
        &self,
        by: &By,
        search: Search,
        newest: bool,
    ) -> Result<(Vec<i64>, Vec<(i64, String)>), Trouble> {
        let (mut going, mut refused) = (Vec::new(), Vec::new());
        // The oldest first: the order in which they came.
        for job in self.jobs(search).await?.into_iter().rev().map(|line| line.job) {
            match self.command(by, job, Command::Retry { newest, force: false }).await {
                Ok(()) => going.push(job),
                Err(trouble) => refused.push((job, trouble.message)),
            }
        }
        Ok((going, refused))
    }

    /// Switches recipes on or off; none means all.
    pub async fn switch(
        &self,
        by: &By,
        recipes: Vec<String>,
        on: bool,
    ) -> Result<Vec<Switched>, Trouble> {
        let switched = self.switch_recipes(recipes, on).await?;
        for one in &switched {
            let what = if on { "recipe.on" } else { "recipe.off" };
            self.keep(by, what, &one.recipe, String::new()).await?;
        }
        Ok(switched)
    }

    /// Makes a job by hand.
    pub async fn submit(&self, by: &By, recipe: &str, from: From) -> Result<i64, Trouble> {
        let (made, detail) = match from {
            From::Body(body) => (self.engine.submit(recipe, body).await, "from a body".to_owned()),
            From::Job(job) => {
                self.is_of(recipe, job).await?;
                (self.engine.submit_again(JobId(job)).await, format!("from the event of job {job}"))
            }
            From::Delivery(delivery) => {
                let sent = self.sent(delivery).await?;
                let made = self.engine.submit_delivery(recipe, sent, None).await;
                (made, format!("from delivery {delivery}"))
            }
            From::Sample(name) => {
                let body = self.sample(recipe, &name).await?;
                (self.engine.submit(recipe, body).await, format!("from the sample `{name}`"))
            }
        };
        let job = made.map_err(|error| command_trouble(&error))?.0;
        self.keep(by, "job.make", job, detail).await?;
        Ok(job)
    }

    /// Makes a job by hand of a delivery.
    pub async fn replay(&self, by: &By, delivery: i64) -> Result<i64, Trouble> {
        let recipe = self.stored_delivery(delivery).await?.recipe;
        let sent = self.sent(delivery).await?;
        let made = self.engine.submit_delivery(&recipe, sent, None).await;
        let job = made.map_err(|error| command_trouble(&error))?.0;
        self.keep(by, "delivery.replay", delivery, format!("made job {job}")).await?;
        Ok(job)
    }

    /// Refuses a job that another recipe has.
    async fn is_of(&self, recipe: &str, job: i64) -> Result<(), Trouble> {
        let found = self.engine.store().job(JobId(job)).await;
        let row = found.map_err(|error| store_trouble(&error))?;
        let other = row.map(|row| row.recipe).filter(|other| other != recipe);
        other.map_or(Ok(()), |other| {
            let words = format!("job {job} is one of `{other}`, and this makes one of `{recipe}`");
            Err(Trouble::of(Code::WrongInput, words))
        })
    }

    /// Makes a token and returns its text.
    pub async fn add_token(&self, by: &By, name: &str, role: Role) -> Result<String, Trouble> {
        let text = self.access.add(name, role)?;
        self.keep(by, "token.add", name.trim(), role.word().into()).await?;
        Ok(text)
    }

    /// Takes a token back.
    pub async fn revoke_token(&self, by: &By, name: &str) -> Result<(), Trouble> {
        self.access.revoke(name)?;
        self.keep(by, "token.revoke", name, String::new()).await
    }

    /// Signs every browser out that somebody is signed in with.
    pub async fn sign_out_everywhere(&self, by: &By) -> Result<(), Trouble> {
        self.access.sign_out_everywhere(&by.who)?;
        self.keep(by, "session.end_all", &by.who, String::new()).await
    }

    /// Keeps what somebody did.
    pub async fn keep(
        &self,
        by: &By,
        what: &str,
        target: impl ToString,
        detail: String,
    ) -> Result<(), Trouble> {
        let audit = Audit {
            id: 0,
            at: self.engine.clock().now(),
            who: by.who.clone(),
            via: by.via.into(),
            what: what.into(),
            target: target.to_string(),
            detail,
        };
        self.engine.store().add_audit(audit).await.map_err(|error| store_trouble(&error))
    }
}

/// Returns a command as the audit tells it: without any value of an event.
fn words(command: &Command) -> (&'static str, String) {
    match command {
        Command::Retry { newest, force } => {
            let mut detail = Vec::new();
            if *newest {
                detail.push("with the newest version");
            }
            if *force {
                detail.push("although a later job is past it");
            }
            ("job.retry", detail.join(", "))
        }
        Command::Cancel => ("job.cancel", String::new()),
        Command::Answer { step, .. } => ("job.answer", step.to_string()),
        Command::Resolve { step, settlement } => {
            let settled = match settlement {
                Settlement::Happened(_) => "it happened",
                Settlement::NotHappened => "it did not happen",
                Settlement::GiveUp => "given up",
            };
            ("job.resolve", format!("{step}: {settled}"))
        }
    }
}
