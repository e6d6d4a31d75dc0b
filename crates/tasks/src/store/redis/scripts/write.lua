-- Writes rows, each over the version that it expects.
-- KEYS: 1 list, 2 failed, 3 due, 4 keep; then a task for each write
-- ARGV: for each write its id, the version expected ('' for none) and the next, the mark, life, standing,
--       until, wake, keep (points); what was asked ('' to leave it, or '=' and the text), name, queue, key,
--       tags ('' for none, or '=' and the text), the time of creation, and the place in the list
-- Returns the time and, for each write, 1 if it was written, the row that is there, or 0 if none is.
local LIST, FAILED, DUE, KEEP = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FIRST, WIDTH = 5, 16

-- Sets the fields of a row, and takes those away that have '' for none. What is given are pairs of a field
-- and '=' with its text.
local function set(key, given)
    local texts, none = {}, {}
    for at = 1, #given, 2 do
        local field, text = given[at], given[at + 1]
        if text == '' then
            none[#none + 1] = field
        else
            texts[#texts + 1] = field
            texts[#texts + 1] = string.sub(text, 2)
        end
    end
    redis.call('HSET', key, unpack(texts))
    if #none > 0 then redis.call('HDEL', key, unpack(none)) end
end

-- Most versions change neither the place of a row nor when it goes: what stands already is not written again.
local function write(key, id, expected, version, mark, life, standing, until_point, wake_point, keep_point,
                     asked, name, queue, task_key, tags, created_at, place)
    local there = redis.call('HMGET', key, 'version', 'keep', 'place', 'standing', 'wake')
    local lives = there[1] and not is_over(there[2])
    if (lives and there[1] or '') ~= expected then return row(key) or 0 end
    if there[1] and not lives then redis.call('DEL', key) end

    local ends, ends_number = point(keep_point)
    local claimed_until, wakes = point(until_point), point(wake_point)
    local given = { 'id', '=' .. id, 'version', '=' .. version, 'mark', '=' .. mark, 'life', '=' .. life,
                    'standing', '=' .. standing, 'keep', '=' .. ends,
                    'until', claimed_until and '=' .. claimed_until or '', 'wake', wakes and '=' .. wakes or '' }
    if asked ~= '' then
        for _, text in ipairs({ 'asked', asked, 'name', name, 'queue', queue, 'key', task_key, 'tags', tags,
                                'created_at', '=' .. created_at, 'place', '=' .. place }) do
            given[#given + 1] = text
        end
    else
        place = there[3]
    end
    set(key, given)

    if there[3] and there[3] ~= place then
        redis.call('ZREM', LIST, there[3])
        redis.call('ZREM', FAILED, there[3])
        redis.call('ZREM', KEEP, 't' .. there[3])
    end
    local moved = not lives or there[3] ~= place
    if moved then redis.call('ZADD', LIST, 0, place) end
    if moved or there[2] ~= ends then
        redis.call('ZADD', KEEP, digits(ends_number), 't' .. place)
        redis.call('PEXPIREAT', key, digits(ends_number))
    end
    if standing == 'failed' then
        redis.call('ZADD', FAILED, 0, place)
    elseif not lives or there[4] == 'failed' then
        redis.call('ZREM', FAILED, place)
    end
    if wakes then
        redis.call('ZADD', DUE, digits(math.min(tonumber(wakes), END)), id)
    elseif not lives or there[5] then
        redis.call('ZREM', DUE, id)
    end
    return 1
end

local answers = {}
for at = FIRST, #KEYS do
    local given = (at - FIRST) * WIDTH
    answers[#answers + 1] = write(KEYS[at], unpack(ARGV, given + 1, given + WIDTH))
end
return { now, answers }
