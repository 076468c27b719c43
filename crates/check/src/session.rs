//! The services that answer the examples of a page, and the writes that they have seen.

use std::ops::Range;
use std::sync::Arc;

use super::datasets::{Dataset, DatasetError, Datasets};
use super::documented::{Compared, Documented};
use super::example::Example;
use super::failures::Around;
use super::options::{Options, Reset};
use super::page::Page;
use super::service::{Opener, Received, Request, Service, ServiceError};
use super::status::StatusSource;
use super::url;

/// A data file while a page is run.
struct Fixture {
    dataset: Arc<Dataset>,
    /// Answers reads on fresh data; nothing is ever written to it.
    pristine: Option<Service>,
    /// Has seen the page's writes, up to `applied`.
    running: Option<Service>,
    applied: usize,
    /// Where the page last asks for fresh data.
    base: usize,
}

impl Fixture {
    /// The next request in sequence is sent after the page's writes again.
    fn restart(&mut self) {
        self.running = None;
        self.applied = self.base;
    }
}

/// The response after the writes above an example.
pub enum Later {
    NotSent,
    /// It is as documented.
    Matched,
    /// Only the response on fresh data is as documented: the page ignores its own writes.
    Outdated,
    /// Neither response is as documented; this is the one after the writes.
    Differs(Received),
}

/// The services of one page.
pub struct Session<'a> {
    options: &'a Options,
    open: &'a Opener<'a>,
    datasets: &'a Datasets,
    page: &'a Page,
    fixtures: Vec<Fixture>,
    /// The page's writes so far, each with the index of its fixture.
    writes: Vec<(usize, Request)>,
    /// Whether the examples of the page are steps, as their headings say.
    pub is_sequence: bool,
    /// The block of the request directly above, if that is a write.
    pub write_above: Option<usize>,
    /// The section of an example that is true only after the writes above it: those below it there are steps, too.
    pub sequence: Range<usize>,
    /// Whether the data has what the page shows as created, so that it is the data after the page's writes.
    pub data_includes_writes: bool,
    /// Whether an example of the page saves values.
    pub saves: bool,
    /// Why the page's data cannot be served.
    pub broken: Option<String>,
}

impl<'a> Session<'a> {
    pub fn new(
        options: &'a Options,
        open: &'a Opener<'a>,
        datasets: &'a Datasets,
        page: &'a Page,
    ) -> Session<'a> {
        Session {
            options,
            open,
            datasets,
            page,
            fixtures: Vec::new(),
            writes: Vec::new(),
            is_sequence: false,
            write_above: None,
            sequence: 0..0,
            data_includes_writes: false,
            saves: false,
            broken: None,
        }
    }

    /// The data of a fixture.
    pub fn dataset(&self, fixture: usize) -> Arc<Dataset> {
        Arc::clone(&self.fixtures[fixture].dataset)
    }

    /// The data of the page's first example, if one was run.
    pub fn first_dataset(&self) -> Option<Arc<Dataset>> {
        let first = self.fixtures.first()?;
        Some(Arc::clone(&first.dataset))
    }

    /// The page's writes so far.
    pub fn writes(&self) -> impl Iterator<Item = &Request> {
        self.writes.iter().map(|(_, write)| write)
    }

    /// Adds a request to the page's writes, if it is one.
    pub fn remember(&mut self, fixture: usize, request: &Request) {
        if request.writes() {
            self.writes.push((fixture, request.clone()));
        }
    }

    /// Takes the last write back.
    pub fn forget_last(&mut self, fixture: usize) {
        self.writes.pop();
        self.fixtures[fixture].restart();
    }

    /// Takes the last write back if it is the same one, for another client.
    pub fn take_back(&mut self, fixture: usize, request: &Request) {
        let is_same = |(of, write): &(usize, Request)| {
            *of == fixture && write.method == request.method && write.target == request.target
        };
        if self.writes.last().is_some_and(is_same) {
            self.forget_last(fixture);
        }
    }

    /// The index of the fixture for an example's data file.
    pub fn fixture(&mut self, example: &Example) -> Result<usize, ServiceError> {
        let page = self.page;
        let found = match &example.directives.data {
            Some(named) => self.datasets.named(&page.path, named),
            None => self
                .datasets
                .find(&page.path, page.front.database.as_deref()),
        };
        let dataset = match found {
            // A real service has its own data; ours is only for explanations.
            Err(_) if self.options.server.is_some() => self.datasets.empty(),
            Err(error) => {
                if matches!(*error, DatasetError::Syntax { .. }) {
                    self.broken.get_or_insert(error.to_string());
                }
                return Err(error.into());
            }
            Ok(found) => found,
        };
        let mut fixtures = self.fixtures.iter();
        if let Some(at) = fixtures.position(|own| Arc::ptr_eq(&own.dataset, &dataset)) {
            return Ok(at);
        }
        let pristine = match &self.options.server {
            Some(_) => None,
            None => match dataset.open(self.open) {
                Ok(service) => Some(service),
                Err(error) => {
                    self.broken.get_or_insert(error.to_string());
                    return Err(error);
                }
            },
        };
        self.fixtures.push(Fixture {
            dataset,
            pristine,
            running: None,
            applied: 0,
            base: 0,
        });
        Ok(self.fixtures.len() - 1)
    }

    /// Whether the request directly above changed the record that this one reads, or its collection if the text says that
    /// this is the next step.
    fn is_just_written(&self, request: &Request, around: &Around<'_>) -> bool {
        let changes = |(_, write): &(usize, Request)| {
            write.method != "POST" && write.target == request.target
        };
        let is_same = self.writes.last().is_some_and(changes);
        let concerns = self.last_write_concerns(request);
        self.write_above.is_some_and(|above| {
            is_same && around.follows(above) || concerns && around.is_next_step(above)
        })
    }

    /// When the data of this page is reset.
    fn reset_mode(&self) -> Reset {
        match self.options.reset {
            // A real service cannot be reset.
            _ if self.options.server.is_some() => Reset::Never,
            // A saved value is from a write above.
            Reset::Auto if self.saves => Reset::Page,
            reset => reset,
        }
    }

    /// Whether what a read shows must be true after the writes above it, because the page means readers who run them.
    fn is_step(&self, request: &Request, documented: &Documented<'_>) -> bool {
        let around = &documented.around;
        let is_in_sequence = self.is_sequence || self.sequence.contains(&around.example.fence);
        let shows_data = documented.response.body.is_some() && !request.target.starts_with("/-/");
        let states_status = documented.expected.source != StatusSource::Method;
        !request.writes()
            && (shows_data || states_status)
            && (is_in_sequence && !self.data_includes_writes
                || around.reads_again() && self.last_write_concerns(request)
                || self.is_just_written(request, around))
    }

    /// Sends a request to the service that the reset mode selects.
    ///
    /// By default that is one with fresh data, and if its response is not as documented, one that has seen the writes
    /// above: a page is right if it is right for readers who run only this example, or for those who run all of them. Where
    /// an earlier example shows that the page means the latter, what a read shows must be true after the writes.
    pub fn responses(
        &mut self,
        fixture: usize,
        request: &Request,
        reset: bool,
        documented: &Documented<'_>,
    ) -> Result<(Compared, Later), ServiceError> {
        let mode = self.reset_mode();
        if matches!(mode, Reset::Page | Reset::Never) {
            if reset && mode == Reset::Page {
                let fixture = &mut self.fixtures[fixture];
                fixture.base = self.writes.len();
                fixture.restart();
            }
            let compared = documented.compare(self.in_sequence(fixture, request)?);
            return Ok((compared, Later::NotSent));
        }
        let fresh = documented.compare(self.on_fresh_data(fixture, request)?);
        let is_right = fresh.is_as_documented();
        let expected = documented.expected;
        let is_usual = |status: &u16| *status < 400;
        let succeeds = expected.statuses.iter().any(is_usual);
        // "`200 OK` or `404 Not Found`": the record may be one that the page creates.
        let is_alternative = is_right
            && !fresh.received.is_success()
            && expected.statuses.first().is_some_and(is_usual);
        let in_doubt = !is_right || is_alternative || self.is_step(request, documented);
        if mode == Reset::Example || reset || self.writes.is_empty() || !in_doubt {
            return Ok((fresh, Later::NotSent));
        }
        let later = documented.compare(self.in_sequence(fixture, request)?);
        if is_alternative {
            return Ok(match later.received.is_success() {
                false => (fresh, Later::NotSent),
                true if later.is_as_documented() => (later, Later::Matched),
                true => (later, Later::NotSent),
            });
        }
        if is_right {
            // A record that is to be missing may be one that the page creates.
            let expects_failure = expected.source != StatusSource::Method && !succeeds;
            let is_deleted = later.received.status == 404 && self.deletes(request);
            let contradicts = (fresh.received.is_success() || expects_failure)
                && (later.received.is_success() || is_deleted);
            return Ok(match later.is_as_documented() || !contradicts {
                true => (fresh, Later::NotSent),
                false => (later, Later::Outdated),
            });
        }
        if later.is_as_documented() {
            return Ok((later, Later::Matched));
        }
        // The response closer to the page is the one to report.
        let distance = |compared: &Compared| {
            let other_status = !compared.status_ok;
            let other_kind = succeeds && !compared.received.is_success();
            let differences = compared.diff.values();
            (other_status, other_status && other_kind, differences)
        };
        let after_writes = Later::Differs(later.received.clone());
        // As close as the other, it is what a reader of the whole page gets, and what --fix writes.
        Ok(match distance(&later) <= distance(&fresh) {
            true => (later, after_writes),
            false => (fresh, after_writes),
        })
    }

    /// The response after the writes above, for a page that may be run as a whole.
    pub fn after_writes(
        &mut self,
        fixture: usize,
        request: &Request,
    ) -> Result<Option<Received>, ServiceError> {
        if self.reset_mode() != Reset::Auto || self.writes.is_empty() {
            return Ok(None);
        }
        // A write may have been sent there already.
        self.fixtures[fixture].restart();
        self.in_sequence(fixture, request).map(Some)
    }

    /// Whether the last write is to the collection that a request reads.
    fn last_write_concerns(&self, request: &Request) -> bool {
        let collection = |request: &Request| url::segments(&request.target).into_iter().next();
        let last = self.writes.last();
        last.is_some_and(|(_, write)| collection(write) == collection(request))
    }

    /// Whether a write above deletes the record that a request is about.
    fn deletes(&self, request: &Request) -> bool {
        self.writes()
            .any(|write| write.method == "DELETE" && write.target == request.target)
    }

    fn on_fresh_data(
        &mut self,
        fixture: usize,
        request: &Request,
    ) -> Result<Received, ServiceError> {
        let fixture = &mut self.fixtures[fixture];
        let response = match &mut fixture.pristine {
            _ if request.writes() => fixture.dataset.open(self.open)?(request)?,
            Some(service) => service(request)?,
            none => none.insert(fixture.dataset.open(self.open)?)(request)?,
        };
        Ok(response.into())
    }

    /// Sends the writes above that the running service has not seen, then the request.
    fn in_sequence(&mut self, index: usize, request: &Request) -> Result<Received, ServiceError> {
        let fixture = &mut self.fixtures[index];
        let service = match &mut fixture.running {
            Some(service) => service,
            none => none.insert(fixture.dataset.open(self.open)?),
        };
        for (of, write) in &self.writes[fixture.applied..] {
            if *of == index {
                service(write)?;
            }
        }
        let response = service(request)?;
        // The request itself is added to `writes` by the caller.
        fixture.applied = self.writes.len() + usize::from(request.writes());
        Ok(response.into())
    }
}
