-- What every script begins with: the server's time, and how times and rows are kept.
--
-- A number here is a double: whole up to 2^53. Times are kept as the digits that came and compared as
-- numbers; versions and marks are never numbers, but compared as they are written.

-- The end of time, for what has to be a number.
local END = 9007199254740991

local TIME = redis.call('TIME')
local now = tonumber(TIME[1]) * 1000 + math.floor(tonumber(TIME[2]) / 1000)

local ROW = { 'id', 'version', 'mark', 'message_id', 'asked', 'name', 'queue', 'key', 'tags', 'created_at',
              'life', 'standing', 'until', 'wake', 'keep' }

local function digits(number)
    return string.format('%.0f', number)
end

-- A point in time: '' for none, '@' and milliseconds since the epoch, or '+' and milliseconds from now.
-- Returns its digits and its number, or false.
local function point(text)
    if text == '' then return false, false end
    local given = string.sub(text, 2)
    local number = math.min(tonumber(given), END)
    if string.sub(text, 1, 1) == '@' then return given, number end
    number = math.min(now + number, END)
    return digits(number), number
end

-- Redis removes what is over a little late: what is there is over once its time has come.
local function is_over(keep)
    return tonumber(keep) <= now
end

-- The row that a key holds, or false.
local function row(key)
    local found = redis.call('HMGET', key, unpack(ROW))
    if not found[1] or is_over(found[15]) then return false end
    return found
end

-- The value that a key holds, or false: the last of what it returns is its time.
local function value(key, name)
    local found = redis.call('HMGET', key, 'version', 'mark', 'text', 'keep')
    if not found[1] or is_over(found[4]) then return false end
    return { name, found[1], found[2], found[3], found[4] }
end

-- The id in a place: twenty digits of the time of creation, a dot, and the id.
local function id_of(place)
    return string.sub(place, 22)
end
