//! The facade for programs: open a store and ask it.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use crate::chunk::Budget;
use crate::dedup::moment::Moment;
use crate::dedup::{self, Copies, Progress, Register, RegisterError, Selection, Subject};
use crate::embed::precision::Wanted;
use crate::embed::source::{ModelFiles, ModelRef};
use crate::embed::{EmbedError, Embedder, PassageScorer, Reranker};
use crate::index::{self, Choice, IndexError, VectorView};
use crate::ingest::prepare::{Prepared, prepare};
use crate::kernels::Isa;
use crate::lexical::{self, LexicalError, LexicalView};
use crate::search::related::{RelatedRequest, body_passages, related, unit};
use crate::search::versions::GroupsLost;
use crate::search::{Answer, Groups, Related, Request, SearchError, Searcher};
use crate::store::{Field, Filter, Header, ModelIdentity, NewArticle, Store, StoreError};
use crate::types::{Article, ArticleId, ArticleSet};

/// Tokens of a passage, unless someone says otherwise: four to eight sentences, well inside what small models were
/// trained on.
pub const PASSAGE_TOKENS: usize = 180;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The instruction-set level of every kernel.
    pub isa: Isa,
    /// The numbers that the model's layers multiply.
    pub precision: Wanted,
    /// Which view of the vectors answers.
    pub view: Choice,
    /// Whether the network is forbidden.
    pub offline: bool,
    /// The first components of vectors that are kept; as many as the model gives without it. A store knows its own.
    pub dims: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { isa: Isa::best(), precision: Wanted::Auto, view: Choice::default(), offline: false, dims: None }
    }
}

/// Why an engine failed: one of its rooms did.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The view of the vectors.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The view of the words.
    #[error(transparent)]
    Lexical(#[from] LexicalError),
    /// A search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The register of copies.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

/// Lets errors of the engine's rooms become those of a room above it, whose error has a variant `Engine`.
macro_rules! through_engine {
    ($to:ty) => {
        $crate::engine::through_engine!($to:
            $crate::store::StoreError
            $crate::index::IndexError
            $crate::lexical::LexicalError
            $crate::embed::EmbedError
            $crate::search::SearchError
            $crate::dedup::RegisterError
        );
    };
    ($to:ty: $($error:ty)*) => {$(
        impl From<$error> for $to {
            fn from(error: $error) -> Self {
                Self::Engine(error.into())
            }
        }
    )*};
}
pub(crate) use through_engine;

/// What a store is searched by, at one moment: both of its views. Shared between threads.
pub struct Views {
    vectors: Box<dyn VectorView>,
    words: LexicalView,
}

impl Views {
    /// Opens the views of a store, caught up with it.
    ///
    /// # Errors
    /// When the store or a file fails.
    pub fn open(store: &Store, isa: Isa, choice: Choice) -> Result<Self, EngineError> {
        Ok(Self { vectors: index::open(store, isa, choice)?, words: lexical::open(store)? })
    }

    /// The same views with what has changed in the store since; the rest is shared with these.
    ///
    /// # Errors
    /// When the store or a file fails.
    pub fn caught_up(&self, store: &Store) -> Result<Self, EngineError> {
        Ok(Self { vectors: self.vectors.caught_up(store)?, words: self.words.caught_up(store)? })
    }

    /// By meaning.
    pub fn vectors(&self) -> &dyn VectorView {
        &*self.vectors
    }

    /// By words.
    pub fn words(&self) -> &LexicalView {
        &self.words
    }
}

/// A store, its model and its views. One thread asks an engine; [`Engine::reader`] makes another for another thread.
///
/// ```no_run
/// use voisin::engine::{Engine, Options};
/// use voisin::search::Request;
///
/// let engine = Engine::open(".voisin".as_ref(), Options::default())?;
/// for hit in engine.search(&Request::new("grève à l'hôpital", 5))?.hits {
///     println!("{:.3} {}", hit.score, hit.article.title.unwrap_or_default());
/// }
/// # Ok::<(), voisin::engine::EngineError>(())
/// ```
pub struct Engine {
    store: Store,
    embedder: Arc<Embedder>,
    views: Arc<Views>,
    reranker: Option<Arc<Reranker>>,
    /// Of copies, for searches: opened by the first, where it holds all that is stored or can soon.
    register: OnceCell<Option<Lagging>>,
    /// Whether catching the register up is left to someone else.
    kept: bool,
    isa: Isa,
}

/// A register of copies for searches; of articles that have changed since it was caught up, nothing is known.
struct Lagging {
    register: Register,
    changed: ArticleSet,
}

impl Lagging {
    fn of(register: Register, store: &Store) -> Result<Self, EngineError> {
        let changed = store.articles_changed_after(register.sequence()?)?.into_iter().collect();
        Ok(Self { register, changed })
    }
}

impl Groups for Lagging {
    fn group(&self, article: ArticleId) -> Result<Option<i64>, GroupsLost> {
        if self.changed.contains(article) { Ok(None) } else { self.register.group(article) }
    }
}

/// Loads a model, with the identity under which stores know it.
///
/// # Errors
/// When the model cannot be found or understood.
pub fn load_model(model: &ModelRef, options: &Options) -> Result<(Embedder, ModelIdentity), EngineError> {
    let files = ModelFiles::open(model, options.offline).map_err(EmbedError::from)?;
    let embedder = Embedder::load(&files, options.isa, options.precision)?;
    let embedder = match options.dims {
        Some(dims) => embedder.truncated(dims)?,
        None => embedder,
    };
    let spec = embedder.spec();
    let reference = match model {
        ModelRef::Local(path) => fs_err::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        // The branch may move on; the vectors are of this commit.
        ModelRef::Hub { id, revision } => {
            ModelRef::Hub { id: id.clone(), revision: spec.commit.clone().or_else(|| revision.clone()) }.to_string()
        }
        ModelRef::Bundled => model.to_string(),
    };
    let identity = ModelIdentity { id: spec.id.clone(), reference, revision: spec.revision.clone(), dims: spec.dims };
    Ok((embedder, identity))
}

/// Loads a cross-encoder, which ranks anew what a search has found.
///
/// # Errors
/// When the model cannot be found or understood, or is no cross-encoder.
pub fn load_reranker(model: &ModelRef, options: &Options) -> Result<Reranker, EngineError> {
    let files = ModelFiles::open(model, options.offline).map_err(EmbedError::from)?;
    Ok(Reranker::load(&files, options.isa, options.precision)?)
}

impl Engine {
    /// Opens a store with the model that made its vectors.
    ///
    /// # Errors
    /// When the store, its model or its view cannot be opened, or the model is no longer the one that made the vectors.
    pub fn open(folder: &Path, options: Options) -> Result<Self, EngineError> {
        let store = Store::open(folder)?;
        let model: ModelRef = store.model().reference.parse().map_err(EmbedError::from)?;
        let (embedder, identity) = load_model(&model, &Options { dims: Some(store.model().dims), ..options })?;
        store.expect_model(&identity)?;
        let views = Arc::new(Views::open(&store, options.isa, options.view)?);
        let (embedder, register) = (Arc::new(embedder), OnceCell::new());
        Ok(Self { store, embedder, views, reranker: None, register, kept: false, isa: options.isa })
    }

    /// An engine for another thread: its own connection to the store, all else shared. Its searches take what is known of copies
    /// as it lies: whoever has readers keeps that up.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn reader(&self) -> Result<Self, EngineError> {
        Ok(Self {
            store: self.store.reader()?,
            embedder: self.embedder.clone(),
            views: self.views.clone(),
            reranker: self.reranker.clone(),
            register: OnceCell::new(),
            kept: true,
            isa: self.isa,
        })
    }

    /// Lets a cross-encoder put the best candidates of every search in order.
    #[must_use]
    pub fn with_reranker(self, reranker: Reranker) -> Self {
        Self { reranker: Some(Arc::new(reranker)), ..self }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The model.
    pub fn embedder(&self) -> &Arc<Embedder> {
        &self.embedder
    }

    /// The model that ranks anew what was found, where there is one.
    pub fn reranker(&self) -> Option<&Arc<Reranker>> {
        self.reranker.as_ref()
    }

    /// The views that answer.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Lets other views of the same store answer from now on. What is known of copies is looked up anew, too.
    pub fn set_views(&mut self, views: Arc<Views>) {
        self.views = views;
        self.register = OnceCell::new();
    }

    /// The view of the vectors.
    pub fn view(&self) -> &dyn VectorView {
        self.views.vectors()
    }

    /// The view of the words.
    pub fn words(&self) -> &LexicalView {
        self.views.words()
    }

    /// The instruction-set level of every kernel.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// What answers questions, for those who want its stages.
    pub fn searcher(&self) -> Searcher<'_> {
        // A search can do without.
        let register = self.register.get_or_init(|| match self.kept {
            true => Lagging::of(Register::as_it_lies(&self.store)?, &self.store).ok(),
            false => Lagging::of(dedup::at_hand(&self.store, self.isa).unwrap_or_default()?, &self.store).ok(),
        });
        Searcher {
            store: &self.store,
            vectors: self.view(),
            words: self.views.words(),
            embedder: &*self.embedder,
            reranker: self.reranker.as_deref().map(|reranker| reranker as &dyn PassageScorer),
            groups: register.as_ref().map(|register| register as &dyn Groups),
        }
    }

    /// Answers a question: see [`Searcher::search`].
    ///
    /// # Errors
    /// When nothing is asked, or the store, a view or a model fails.
    pub fn search(&self, request: &Request<'_>) -> Result<Answer, EngineError> {
        let searcher = self.searcher();
        let _moment = self.store.snapshot()?;
        Ok(searcher.search(request)?)
    }

    /// The articles closest to a stored one.
    ///
    /// # Errors
    /// When the article has no date and one is needed; when the store fails.
    pub fn similar(&self, article: ArticleId, request: &RelatedRequest) -> Result<Vec<Related>, EngineError> {
        let _moment = self.store.snapshot()?;
        let header = self.store.header(article)?;
        let filter = request.filter_around(&header.key, header.date)?;
        let ids: Vec<_> = body_passages(&self.store, article)?.into_iter().map(|passage| passage.vector).collect();
        let vectors = self.store.vectors(&ids)?;
        self.related(&vectors, Some(article), request.k, &filter)
    }

    /// The articles closest to one that is not stored.
    ///
    /// # Errors
    /// When the article has no date and one is needed; when the store or the model fails.
    pub fn similar_to_text(&self, article: Article, request: &RelatedRequest) -> Result<Vec<Related>, EngineError> {
        let filter = request.filter_around(&article.key, article.date)?;
        let (_, vectors) = embedded(article, &self.embedder, self.budget())?;
        let _moment = self.store.snapshot()?;
        self.related(&vectors, None, request.k, &filter)
    }

    fn related(
        &self,
        vectors: &[Vec<f32>],
        itself: Option<ArticleId>,
        k: usize,
        filter: &Filter,
    ) -> Result<Vec<Related>, EngineError> {
        let allowed = if filter.is_all() { None } else { Some(self.store.articles_matching(filter)?) };
        Ok(related(vectors, itself, k, allowed.as_ref(), self.view(), &self.store)?)
    }

    /// The copies in the store: who copied whom, caught up with what is stored.
    ///
    /// # Errors
    /// When the store or the register of copies fails.
    pub fn copies(&self, selection: Selection, progress: &mut dyn FnMut(Progress)) -> Result<Copies<'_>, EngineError> {
        Ok(Copies::of(&self.store, self.isa, &selection, progress)?)
    }

    fn budget(&self) -> Budget {
        budget(self.store.passage_tokens(), &self.embedder)
    }
}

/// Writes the views of a store to disk, so that the next process opens them at once: for the process that has just changed
/// the store.
///
/// # Errors
/// When the store or a view fails.
pub fn persist(store: &Store, isa: Isa, choice: Choice, progress: &mut dyn FnMut(Progress)) -> Result<(), EngineError> {
    index::persist(store, isa, choice)?;
    lexical::persist(store)?;
    dedup::caught_up(store, isa, progress)?;
    Ok(())
}

/// An article that is not stored, made ready to be compared with another.
///
/// # Errors
/// When the model fails.
pub fn subject(article: Article, embedder: &Embedder, budget: Budget) -> Result<Subject, EngineError> {
    let (NewArticle { article, boilerplate, .. }, vectors) = embedded(article, embedder, budget)?;
    let moment = article.date.map(|date| Moment::new(date, &article.metadata));
    let furniture = boilerplate.iter().map(|span| span.to_bytes(&article.text)).collect();
    let header = Header {
        id: ArticleId(0),
        key: article.key,
        title: article.title,
        date: article.date,
        url: article.url,
        source: article.source,
        language: article.language,
    };
    let passages = vectors.iter().map(|vector| unit(vector)).collect();
    Ok(Subject { header, text: article.text, moment, furniture, passages })
}

/// An article cut into passages, with the vectors of its body, or of its title where it has no other.
fn embedded(article: Article, embedder: &Embedder, budget: Budget) -> Result<(NewArticle, Vec<Vec<f32>>), EngineError> {
    let Prepared { article, tokens } = prepare(article, embedder, budget)?;
    let body = article.passages.iter().any(|passage| passage.field == Field::Body);
    let compared = article.passages.iter().filter(|passage| !body || passage.field == Field::Body);
    let tokens: Vec<_> = compared.map(|passage| tokens[&passage.key].clone()).collect();
    let vectors = embedder.embed_all(&tokens, crate::embed::cores())?;
    Ok((article, vectors.rows().into_iter().map(|row| row.to_vec()).collect()))
}

/// The budget of passages for a model: `target` tokens or what the model can take, whichever is less.
pub fn budget(target: usize, embedder: &Embedder) -> Budget {
    let limit = embedder.passage_limit().max(Budget::LEAST);
    Budget::new(target.clamp(Budget::LEAST, limit), limit).expect("the target was brought within the bounds")
}
