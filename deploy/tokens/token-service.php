<?php
/**
 * A sample token service for PHP 8.1 or newer, without packages: POST /token with the channel as the body answers with a token that
 * lets the viewer enter it.
 *
 * Put it where your web server runs PHP, or try it: TOKEN_SECRET_FILE=/etc/hlsmesh/token-secret php -S 127.0.0.1:8090 token-service.php,
 * with the same file as the tracker's --token-secret-file.
 */
declare(strict_types=1);

const VALID_S = 600;
const MOST_BYTES = 4096;

/** The viewer who asks, or null if the channel is not for them. Replace it by your own: look at the session. */
function viewer_of(string $channel): ?string
{
    $viewer = $_COOKIE['viewer'] ?? '';
    $known = is_string($viewer) && preg_match('/^[\w-]+$/D', $viewer) === 1;
    return $known && str_starts_with($channel, 'https://cdn.example/') ? $viewer : null;
}

/** A JWT signed with HS256 (RFC 7515 section 3.1). */
function sign(array $claims, string $secret): string
{
    $encode = fn (string $data): string => rtrim(strtr(base64_encode($data), '+/', '-_'), '=');
    $part = fn (array $value): string => $encode(json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES));
    $text = $part(['alg' => 'HS256', 'typ' => 'JWT']) . '.' . $part($claims);
    return $text . '.' . $encode(hash_hmac('sha256', $text, $secret, true));
}

function answer(int $status, string $text): void
{
    http_response_code($status);
    header('Content-Type: text/plain');
    header('Cache-Control: no-store');
    echo $text;
}

$file = getenv('TOKEN_SECRET_FILE') ?: __DIR__ . '/token-secret';
$secret = trim((string) file_get_contents($file));
if (strlen($secret) < 32) {
    error_log('the secret needs 32 bytes or more');
    answer(500, 'not set up');
    return;
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) !== '/token') {
    answer(404, 'not found');
    return;
}
$channel = (string) file_get_contents('php://input', false, null, 0, MOST_BYTES + 1);
$viewer = strlen($channel) > MOST_BYTES ? null : viewer_of($channel);
if ($viewer === null) {
    answer(403, 'not for you');
    return;
}
answer(200, sign(['channel' => $channel, 'sub' => $viewer, 'exp' => time() + VALID_S], $secret));
