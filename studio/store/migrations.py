"""The schema, grown one step at a time. Applied steps are never edited; append a new one."""

from __future__ import annotations

_FIRST = (
    """CREATE TABLE voices (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        engine TEXT NOT NULL,
        sample INTEGER NOT NULL DEFAULT 0,
        revision_id TEXT REFERENCES revisions (id) ON DELETE SET NULL,
        created_at TEXT NOT NULL,
        deleted_at TEXT
    )""",
    """CREATE TABLE recordings (
        id TEXT PRIMARY KEY,
        voice_id TEXT NOT NULL REFERENCES voices (id),
        filename TEXT NOT NULL,
        seconds REAL NOT NULL,
        sample_rate INTEGER NOT NULL,
        report TEXT NOT NULL,
        cleaned INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        created_at TEXT NOT NULL,
        UNIQUE (voice_id, sha256)
    )""",
    """CREATE TABLE consents (
        id TEXT PRIMARY KEY,
        voice_id TEXT NOT NULL REFERENCES voices (id),
        owner_name TEXT NOT NULL,
        scope TEXT NOT NULL,
        until TEXT,
        language TEXT NOT NULL,
        text_version TEXT NOT NULL,
        text_sha256 TEXT NOT NULL,
        audio_sha256 TEXT NOT NULL,
        given_at TEXT NOT NULL,
        withdrawn_at TEXT
    )""",
    """CREATE TABLE revisions (
        id TEXT PRIMARY KEY,
        voice_id TEXT NOT NULL REFERENCES voices (id),
        number INTEGER NOT NULL,
        engine TEXT NOT NULL,
        kind TEXT NOT NULL,
        quality TEXT,
        card TEXT NOT NULL,
        created_at TEXT NOT NULL,
        UNIQUE (voice_id, number)
    )""",
    """CREATE TABLE speeches (
        id TEXT PRIMARY KEY,
        voice_id TEXT NOT NULL REFERENCES voices (id),
        revision_id TEXT NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
        text TEXT NOT NULL,
        controls TEXT NOT NULL,
        seed INTEGER NOT NULL,
        visitor TEXT,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE sentences (
        speech_id TEXT NOT NULL REFERENCES speeches (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        text TEXT NOT NULL,
        pause_seconds REAL NOT NULL,
        seed INTEGER NOT NULL,
        take_key TEXT NOT NULL,
        PRIMARY KEY (speech_id, position)
    )""",
    """CREATE TABLE takes (
        key TEXT PRIMARY KEY,
        revision_id TEXT NOT NULL REFERENCES revisions (id) ON DELETE CASCADE,
        text TEXT NOT NULL,
        seed INTEGER NOT NULL,
        seconds REAL NOT NULL,
        sample_rate INTEGER NOT NULL,
        score REAL NOT NULL,
        attempts INTEGER NOT NULL,
        words TEXT NOT NULL,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE exports (
        key TEXT NOT NULL,
        format TEXT NOT NULL,
        speech_id TEXT REFERENCES speeches (id) ON DELETE SET NULL,
        voice_hash TEXT NOT NULL,
        take_keys TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        file_bytes INTEGER NOT NULL,
        label TEXT NOT NULL,
        created_at TEXT NOT NULL,
        PRIMARY KEY (key, format)
    )""",
    """CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        lane TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject_id TEXT NOT NULL,
        payload TEXT NOT NULL,
        state TEXT NOT NULL,
        stage TEXT NOT NULL DEFAULT '',
        progress REAL NOT NULL DEFAULT 0,
        ends_at REAL,
        error_code TEXT,
        error_facts TEXT,
        result TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        reached REAL NOT NULL DEFAULT 0,
        reached_before REAL NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        lease_until REAL,
        cancel_requested INTEGER NOT NULL DEFAULT 0,
        created_at TEXT NOT NULL,
        waiting_since TEXT NOT NULL,
        started_at TEXT,
        finished_at TEXT
    )""",
    "CREATE INDEX jobs_by_state ON jobs (state, lane, waiting_since)",
    "CREATE INDEX jobs_by_subject ON jobs (subject_id, created_at)",
    # two tabs that press Train get one training
    """CREATE UNIQUE INDEX one_active_training ON jobs (subject_id)
        WHERE kind = 'train' AND state IN ('queued', 'running')""",
    """CREATE TABLE losses (
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        train REAL NOT NULL,
        held_out REAL,
        PRIMARY KEY (job_id, step)
    )""",
    """CREATE TABLE training_times (
        job_id TEXT PRIMARY KEY,
        quality TEXT NOT NULL,
        device TEXT NOT NULL,
        seconds REAL NOT NULL,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE demo_usage (
        day TEXT NOT NULL,
        visitor TEXT NOT NULL,
        chars INTEGER NOT NULL,
        PRIMARY KEY (day, visitor)
    )""",
    "CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE INDEX recordings_by_voice ON recordings (voice_id, created_at)",
    "CREATE INDEX speeches_by_voice ON speeches (voice_id, created_at)",
    "CREATE INDEX speeches_by_revision ON speeches (revision_id)",
    "CREATE INDEX takes_by_revision ON takes (revision_id)",
    "CREATE INDEX sentences_by_take ON sentences (take_key)",
)

_STORIES = (
    """CREATE TABLE stories (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        text TEXT NOT NULL,
        plan TEXT,
        transcript TEXT,
        recording TEXT,
        language TEXT NOT NULL,
        style TEXT NOT NULL,
        wished_pages INTEGER,
        seed INTEGER NOT NULL,
        voice_id TEXT REFERENCES voices (id),
        narrator TEXT,
        withdrawn INTEGER NOT NULL DEFAULT 0,
        reader TEXT,
        painting TEXT NOT NULL,
        visitor TEXT,
        sample INTEGER NOT NULL DEFAULT 0,
        made_on TEXT NOT NULL,
        planned_at TEXT,
        created_at TEXT NOT NULL
    )""",
    """CREATE TABLE illustrations (
        story_id TEXT NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        created_at TEXT NOT NULL,
        PRIMARY KEY (story_id, key)
    )""",
    # what could not be made, by the key of the picture or the take
    """CREATE TABLE story_faults (
        story_id TEXT NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        code TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (story_id, key)
    )""",
    # what a story says, so that a deleted one takes along what nobody else says
    """CREATE TABLE story_takes (
        story_id TEXT NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
        take_key TEXT NOT NULL,
        PRIMARY KEY (story_id, take_key)
    )""",
    # the narration that came with a book that was opened
    """CREATE TABLE kept_sounds (
        story_id TEXT NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
        scene_id TEXT NOT NULL,
        text TEXT NOT NULL,
        sentences TEXT NOT NULL,
        voice_hash TEXT NOT NULL,
        PRIMARY KEY (story_id, scene_id)
    )""",
    "ALTER TABLE exports ADD COLUMN story_id TEXT REFERENCES stories (id) ON DELETE SET NULL",
    "CREATE INDEX stories_by_voice ON stories (voice_id)",
    "CREATE INDEX story_takes_by_take ON story_takes (take_key)",
    "CREATE INDEX exports_by_story ON exports (story_id)",
)

_PRONUNCIATIONS = (
    "ALTER TABLE sentences ADD COLUMN said TEXT NOT NULL DEFAULT ''",
    "UPDATE sentences SET said = text",
)

_IMPORTED = (
    # what is said in a recording, where somebody wrote it down
    "ALTER TABLE recordings ADD COLUMN text TEXT",
    # of an imported voice, the hash of the weights it came with
    "ALTER TABLE voices ADD COLUMN weights_sha256 TEXT",
)

_METHODS = (
    # trainings take their time by engine and method; those there were are the starter's
    "ALTER TABLE training_times ADD COLUMN engine TEXT NOT NULL DEFAULT 'starter'",
    "ALTER TABLE training_times ADD COLUMN method TEXT NOT NULL DEFAULT 'lora'",
)

_HEARD = (
    # the transcriber that wrote a recording's text; NULL for a person
    "ALTER TABLE recordings ADD COLUMN heard_by TEXT",
    # what it heard, with the times of the words; they stay when a person corrects the text
    "ALTER TABLE recordings ADD COLUMN transcript TEXT",
)

_STATUSES = (
    # the HTTP status that says the same as error_code
    "ALTER TABLE jobs ADD COLUMN error_status INTEGER NOT NULL DEFAULT 500",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _STORIES,
    _PRONUNCIATIONS,
    _IMPORTED,
    _HEARD,
    _METHODS,
    _STATUSES,
)
