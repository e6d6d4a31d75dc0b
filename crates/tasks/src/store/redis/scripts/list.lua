-- Rows by what was asked and how they stand, the latest first.
-- KEYS: 1 list, or failed
-- ARGV: 1 what the keys of tasks begin with, 2 the place to go on behind ('' for none), 3 rows at most,
--       4 places to look at, at most, 5 the standings (',a,b,'; '' for any); 6 name, 7 queue, 8 key, 9 tag
--       ('' for any, or '=' and the text)
-- Returns the time, the rows, and the last place that was looked at if there may be more.
-- Places of rows that are gone are removed.
local TASK, BEHIND = ARGV[1], ARGV[2]
local ROWS_MAX, PLACES_MAX = tonumber(ARGV[3]), tonumber(ARGV[4])
local CHUNK = 100

local function is_one(wanted, found)
    return wanted == '' or (found and wanted == '=' .. found)
end

local function has_tag(wanted, tags)
    if wanted == '' then return true end
    for _, tag in ipairs(cjson.decode(tags or '[]')) do
        if wanted == '=' .. tag then return true end
    end
    return false
end

local function matches(found)
    return (ARGV[5] == '' or string.find(ARGV[5], ',' .. found[3] .. ',', 1, true))
        and is_one(ARGV[6], found[4]) and is_one(ARGV[7], found[5]) and is_one(ARGV[8], found[6])
        and has_tag(ARGV[9], found[7])
end

-- The row at a place, if it is wanted.
local function wanted(place)
    local key = TASK .. id_of(place)
    local found = redis.call('HMGET', key, 'place', 'keep', 'standing', 'name', 'queue', 'key', 'tags')
    if found[1] ~= place then
        redis.call('ZREM', KEYS[1], place)
        return false
    end
    return not is_over(found[2]) and matches(found) and row(key)
end

local rows, looked_at = {}, 0
while true do
    local from = BEHIND == '' and '+' or '(' .. BEHIND
    local places = redis.call('ZREVRANGEBYLEX', KEYS[1], from, '-', 'LIMIT', 0, CHUNK)
    if #places == 0 then return { now, rows, false } end
    for _, place in ipairs(places) do
        if #rows >= ROWS_MAX or looked_at >= PLACES_MAX then return { now, rows, BEHIND } end
        rows[#rows + 1] = wanted(place) or nil
        looked_at = looked_at + 1
        BEHIND = place
    end
end
