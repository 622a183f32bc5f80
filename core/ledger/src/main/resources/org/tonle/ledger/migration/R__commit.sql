-- How a commit is applied, as it is now: V1 has the first version of these functions, and whoever
-- changes them here raises LedgerSchema.FORMAT, too, or it isn't run.

-- Applies one commit, in this order: branch lock, outcome of the id, leases, requirements,
-- positions, namespaces, pointers, the rest. Raises TN0nn with the subject as DETAIL; the caller's
-- savepoint undoes what was done before.
--   TN001 a position moved    TN002 a pointer moved     TN003 a requirement doesn't hold
--   TN004 a lease was lost    TN005 the id is closed    TN006 already exists
--   TN007 no such thing       TN008 a namespace that isn't empty
CREATE OR REPLACE FUNCTION tonle.apply_commit(p jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    live CONSTANT bigint := 9223372036854775807;
    b    int;
    s    bigint;
    f    bigint;
    done tonle.commit;
    x    jsonb;
    r    tonle.ref_version;
    n    bigint;
BEGIN
    SELECT id, head_seq + 1, floor_seq INTO b, s, f
        FROM tonle.branch WHERE name = p->>'branch' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such branch' USING ERRCODE = 'TN007', DETAIL = p->>'branch';
    END IF;

    INSERT INTO tonle.commit (id, branch, seq, kind, principal, outcome, summary)
    VALUES ((p->>'id')::uuid, b, s, p->>'kind', p->>'principal', 'committed', p->'summary')
    ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO done FROM tonle.commit WHERE id = (p->>'id')::uuid;
        IF done.outcome = 'committed' THEN
            RETURN done.seq;
        END IF;
        RAISE EXCEPTION 'the commit was closed as aborted'
            USING ERRCODE = 'TN005', DETAIL = p->>'id';
    END IF;

    FOR x IN SELECT jsonb_array_elements(p->'leases') LOOP
        PERFORM 1 FROM tonle.lease
            WHERE name = x->>'name' AND epoch = (x->>'epoch')::bigint FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the lease was lost' USING ERRCODE = 'TN004', DETAIL = x->>'name';
        END IF;
    END LOOP;

    FOR x IN SELECT jsonb_array_elements(p->'requirements') LOOP
        SELECT metadata_location INTO r.metadata_location FROM tonle.ref_version
            WHERE branch = b AND namespace = x->>'namespace' AND name = x->>'name'
              AND to_seq = live;
        IF r.metadata_location IS DISTINCT FROM x->>'metadata' THEN
            RAISE EXCEPTION 'a requirement does not hold' USING ERRCODE = 'TN003',
                DETAIL = concat(x->>'namespace', '.', x->>'name');
        END IF;
    END LOOP;

    FOR x IN SELECT jsonb_array_elements(p->'logPositions') LOOP
        IF x->>'from' IS NULL THEN
            INSERT INTO tonle.log_position VALUES (b, x->>'consumer', x->>'cluster', x->>'topic',
                (x->>'partition')::int, (x->>'leaderEpoch')::int, (x->>'to')::bigint)
            ON CONFLICT DO NOTHING;
        ELSE
            UPDATE tonle.log_position
                SET next = (x->>'to')::bigint, leader_epoch = (x->>'leaderEpoch')::int
                WHERE branch = b AND consumer = x->>'consumer'
                  AND partition = (x->>'partition')::int AND cluster_id = x->>'cluster'
                  AND topic_id = x->>'topic' AND next = (x->>'from')::bigint;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the position moved' USING ERRCODE = 'TN001',
                DETAIL = concat(x->>'consumer', ' partition ', x->>'partition');
        END IF;
    END LOOP;

    INSERT INTO tonle.source_mark AS known (branch, source, item, position, state)
        SELECT b, m->>'source', m->>'item', m->>'position', m->>'state'
        FROM jsonb_array_elements(p->'sourceMarks') m
    ON CONFLICT (branch, source, item) DO UPDATE
        SET position = excluded.position, state = excluded.state
        WHERE known.position < excluded.position;

    FOR x IN SELECT jsonb_array_elements(p->'datasetPositions') LOOP
        -- what it read may have expired meanwhile, and what came since it can't be read; 0 is
        -- nothing yet, from where all is read that there is
        IF (x->>'to')::bigint BETWEEN 1 AND f - 1 AND EXISTS (
            SELECT 1 FROM tonle.change c JOIN tonle.commit k ON k.id = c.commit
            WHERE c.branch = b AND c.table_uuid = (x->>'input')::uuid
              AND c.seq > (x->>'to')::bigint AND c.seq <= f
              AND (c.metadata_after IS NULL OR c.snapshot_id IS NOT NULL
                OR c.operation = 'overwrite')
              AND k.kind NOT IN ('compact', 'expire-rows')) THEN
            RAISE EXCEPTION 'the state that was read has expired' USING ERRCODE = 'TN001',
                DETAIL = concat(x->>'dataset', ' of input ', x->>'input');
        END IF;
        IF x->>'from' IS NULL THEN
            INSERT INTO tonle.dataset_position
            VALUES (b, x->>'dataset', (x->>'input')::uuid, (x->>'to')::bigint)
            ON CONFLICT DO NOTHING;
        ELSE
            UPDATE tonle.dataset_position SET seq = (x->>'to')::bigint
                WHERE branch = b AND dataset = x->>'dataset'
                  AND input_table = (x->>'input')::uuid AND seq = (x->>'from')::bigint;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the position moved' USING ERRCODE = 'TN001',
                DETAIL = concat(x->>'dataset', ' of input ', x->>'input');
        END IF;
    END LOOP;

    FOR x IN SELECT jsonb_array_elements(p->'namespaces') LOOP
        UPDATE tonle.namespace_version SET to_seq = s
            WHERE branch = b AND namespace = x->>'namespace' AND to_seq = live
              AND (x->'before' = 'null'::jsonb OR properties = x->'before');
        GET DIAGNOSTICS n = ROW_COUNT;
        IF x->'before' = 'null'::jsonb AND n > 0 THEN
            RAISE EXCEPTION 'the namespace exists already'
                USING ERRCODE = 'TN006', DETAIL = x->>'namespace';
        ELSIF x->'before' <> 'null'::jsonb AND n = 0 THEN
            RAISE EXCEPTION 'the namespace moved'
                USING ERRCODE = 'TN002', DETAIL = x->>'namespace';
        END IF;
        IF x->'after' <> 'null'::jsonb THEN
            INSERT INTO tonle.namespace_version (branch, namespace, properties, from_seq)
            VALUES (b, x->>'namespace', x->'after', s);
        ELSIF EXISTS (SELECT 1 FROM tonle.ref_version
                WHERE branch = b AND namespace = x->>'namespace' AND to_seq = live) THEN
            RAISE EXCEPTION 'the namespace is not empty'
                USING ERRCODE = 'TN008', DETAIL = x->>'namespace';
        END IF;
    END LOOP;

    FOR x IN SELECT jsonb_array_elements(p->'pointers') LOOP
        r := NULL;
        IF x->>'before' IS NOT NULL THEN
            UPDATE tonle.ref_version SET to_seq = s
                WHERE branch = b AND table_uuid = (x->>'uuid')::uuid AND to_seq = live
                  AND metadata_location = x->>'before'
                RETURNING * INTO r;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the table moved' USING ERRCODE = 'TN002',
                    DETAIL = concat(x->>'namespace', '.', x->>'name');
            END IF;
        END IF;
        IF x->>'after' IS NOT NULL THEN
            IF NOT EXISTS (SELECT 1 FROM tonle.namespace_version
                    WHERE branch = b AND namespace = x->>'namespace' AND to_seq = live) THEN
                RAISE EXCEPTION 'no such namespace'
                    USING ERRCODE = 'TN007', DETAIL = x->>'namespace';
            END IF;
            INSERT INTO tonle.ref_version
                (branch, table_uuid, kind, namespace, name, from_seq, metadata_location, version)
            VALUES (b, (x->>'uuid')::uuid, x->>'kind', x->>'namespace', x->>'name', s,
                x->>'after', coalesce(r.version, 0) + 1)
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'already exists' USING ERRCODE = 'TN006',
                    DETAIL = concat(x->>'namespace', '.', x->>'name');
            END IF;
        END IF;
        INSERT INTO tonle.change VALUES (b, s, (x->>'uuid')::uuid, (p->>'id')::uuid,
            x->>'before', x->>'after', x->>'operation', (x->>'snapshot')::bigint);
    END LOOP;

    FOR x IN SELECT jsonb_array_elements(p->'definitions') LOOP
        SELECT coalesce(max(version), 0) INTO n FROM tonle.definition
            WHERE branch = b AND name = x->>'name';
        IF n + 1 <> (x->>'version')::int THEN
            RAISE EXCEPTION 'the definition moved'
                USING ERRCODE = 'TN002', DETAIL = x->>'name';
        END IF;
        INSERT INTO tonle.definition VALUES (b, x->>'name', (x->>'version')::int, x->>'hash',
            x->>'text', s);
    END LOOP;

    INSERT INTO tonle.expectation_result
        SELECT b, s, e->>'dataset', e->>'expectation', e->>'action', (e->>'passed')::bigint,
            (e->>'failed')::bigint
        FROM jsonb_array_elements(p->'expectations') e;

    UPDATE tonle.branch SET head_seq = s WHERE id = b;
    RETURN s;
END $$;

-- Applies a group, each member in a savepoint of its own. Answers one object per member, in order:
-- {"seq": n} or {"code": "TN0nn", "message": …, "subject": …}. Anything but a TN code aborts all.
CREATE OR REPLACE FUNCTION tonle.commit_group(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answers jsonb := '[]';
    member  jsonb;
    subject text;
BEGIN
    FOR member IN SELECT jsonb_array_elements(p) LOOP
        BEGIN
            answers := answers || jsonb_build_object('seq', tonle.apply_commit(member));
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE NOT LIKE 'TN%' THEN
                RAISE;
            END IF;
            GET STACKED DIAGNOSTICS subject = PG_EXCEPTION_DETAIL;
            answers := answers
                || jsonb_build_object('code', SQLSTATE, 'message', SQLERRM, 'subject', subject);
        END;
    END LOOP;
    RETURN answers;
END $$;
