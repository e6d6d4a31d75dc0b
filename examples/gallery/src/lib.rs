//! A photo gallery: people upload photos, publish albums and archive what they have, and every answer comes at
//! once, because the work is tasks.
//!
//! ```text
//! POST /photos   ─▶ thumbnail (high) ┐                 ┌▶ library: small pictures, index, packed photos
//!                   reindex    (low) │   pictures,     │
//! POST /albums   ─▶ publish ─────────┼▶ pictures-high ─┤
//! POST /archives ─▶ archive    (low) ┘   pictures-low  └▶ publish sends thumbnail, reindex, charge, remind
//!                                                            charge ─▶ ledger.fifo ─▶ library: charges
//! GET, DELETE /tasks/{id}                                    remind ─▶ mails ───────▶ a mail, days later
//! ```
//!
//! [`tasks`] says what is asked of workers, `handlers` has a file for each of them, [`routes`] is the HTTP in
//! front, [`library`] is the database that the handlers share, and `queues.toml` declares the queues.

mod handlers;
pub mod library;
pub mod mails;
pub mod options;
pub mod picture;
pub mod routes;
pub mod tasks;

/// The guide, whose code is tried as documentation tests.
#[cfg(doctest)]
pub mod guide {
    #[doc = include_str!("../../../docs/guide/src/tasks.md")]
    pub mod tasks {}
    #[doc = include_str!("../../../docs/guide/src/retries.md")]
    pub mod retries {}
    #[doc = include_str!("../../../docs/guide/src/once-only.md")]
    pub mod once_only {}
    #[doc = include_str!("../../../docs/guide/src/fairness.md")]
    pub mod fairness {}
    #[doc = include_str!("../../../docs/guide/src/cost.md")]
    pub mod cost {}
    #[doc = include_str!("../../../docs/guide/src/testing.md")]
    pub mod testing {}
}

use longshore::{App, BatchOptions, Failure, Priorities};

use crate::handlers::{archive, charge, publish, reindex, remind, thumbnail};
use crate::library::Library;
use crate::mails::Mails;
use crate::options::Options;

/// What the handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// Photos and what was made of them.
    pub library: Library,
    /// Where mails go.
    pub mails: Mails,
    /// The flags.
    pub options: Options,
}

impl Gallery {
    /// Opens what the flags name.
    ///
    /// # Errors
    ///
    /// A directory or the library cannot be made there.
    pub fn open(options: Options) -> Result<Self, Failure> {
        let mails = Mails::open(&options.gallery)?;
        let library = Library::at(&options.gallery);
        library.check()?;
        Ok(Self { library, mails, options })
    }
}

/// The gallery, as `main` runs it and as tests start it.
pub fn app() -> App<Options, Gallery> {
    App::new("gallery")
        .about(
            "A photo gallery: uploads, albums and archives, answered at once and done by workers",
        )
        .options::<Options>()
        .state(async |_, options| Gallery::open(options))
        .queues(include_str!("../queues.toml"))
        .queue("pictures", |queue| {
            queue
                .handle(publish)
                .handle_blocking(thumbnail)
                .handle_batch_with(reindex, BatchOptions::new().tasks_max(20))
                .handle(archive)
                .priorities(Priorities::weighted(8, 2, 1))
                .concurrency(20)
        })
        .queue("mails", |queue| queue.handle_blocking(remind))
        .queue("ledger.fifo", |queue| queue.handle_blocking(charge))
        .routes_with_options(routes::routes)
        .example("/search/ada/bright")
}
