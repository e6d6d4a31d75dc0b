-- Writes rows, each over the version that it expects.
-- KEYS: 1 list, 2 failed, 3 due, 4 keep; then a task for each write
-- ARGV: for each write its id, the version expected ('' for none) and the next, the mark, life, standing,
--       until, wake, keep (points); what was asked ('' to leave it, or '=' and the text), name, queue, key,
--       tags ('' for none, or '=' and the text), the time of creation, and the place in the list
-- Returns the time and, for each write, 1 if it was written, the row that is there, or 0 if none is.
local LIST, FAILED, DUE, KEEP = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FIRST, WIDTH = 5, 16

local function write(key, id, expected, version, mark, life, standing, until_point, wake_point, keep_point,
                     asked, name, queue, task_key, tags, created_at, place)
    local there = redis.call('HMGET', key, 'version', 'keep', 'place')
    local lives = there[1] and not is_over(there[2])
    if (lives and there[1] or '') ~= expected then return row(key) or 0 end
    if there[1] and not lives then redis.call('DEL', key) end

    local ends, ends_number = point(keep_point)
    redis.call('HSET', key, 'id', id, 'version', version, 'mark', mark, 'life', life, 'standing', standing,
               'keep', ends)
    local claimed_until, wakes = point(until_point), point(wake_point)
    set(key, 'until', claimed_until and '=' .. claimed_until or '')
    set(key, 'wake', wakes and '=' .. wakes or '')
    if asked ~= '' then
        redis.call('HSET', key, 'created_at', created_at, 'place', place)
        set(key, 'asked', asked)
        set(key, 'name', name)
        set(key, 'queue', queue)
        set(key, 'key', task_key)
        set(key, 'tags', tags)
    else
        place = there[3]
    end

    if there[3] and there[3] ~= place then
        redis.call('ZREM', LIST, there[3])
        redis.call('ZREM', FAILED, there[3])
        redis.call('ZREM', KEEP, 't' .. there[3])
    end
    redis.call('ZADD', LIST, 0, place)
    redis.call('ZADD', KEEP, digits(ends_number), 't' .. place)
    if standing == 'failed' then
        redis.call('ZADD', FAILED, 0, place)
    else
        redis.call('ZREM', FAILED, place)
    end
    if wakes then
        redis.call('ZADD', DUE, digits(math.min(tonumber(wakes), END)), id)
    else
        redis.call('ZREM', DUE, id)
    end
    redis.call('PEXPIREAT', key, digits(ends_number))
    return 1
end

local answers = {}
for at = FIRST, #KEYS do
    local given = (at - FIRST) * WIDTH
    answers[#answers + 1] = write(KEYS[at], unpack(ARGV, given + 1, given + WIDTH))
end
return { now, answers }
