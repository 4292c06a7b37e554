#!/bin/sh
{%- if source == "exec" %}
# Measures once and prints the result, one JSON object with a number for each KPI. soak starts it once an iteration.
# Try it: ./measure.sh
{%- else %}
# Measures twice in every {{ interval }} s and writes the result to {{ file }}, until it is stopped. soak reads the file at the end
# of each iteration, and takes it only if it was written in it.
# Try it: ./measure.sh &
{%- endif %}
set -eu
LC_ALL=C
export LC_ALL

# What is measured; the environment may say otherwise.
{%- if profile == "service" %}
url=${SERVICE_URL:-{{ url }}}
requests=${SERVICE_REQUESTS:-50}
{%- else %}
url=${EDGE_REPORT_URL:-{{ url }}}
{%- endif %}

measure() {
{%- if profile == "service" %}
    # Status and seconds of each request; 000 is no answer.
    i=0
    while [ "$i" -lt "$requests" ]; do
        curl -s -o /dev/null -m 10 -w '%{http_code} %{time_total}\n' "$url" || true
        i=$((i + 1))
    done | sort -n -k 2 | awk '
        function at(share, place) { place = int(n * share + 0.9999); return ms[place < 1 ? 1 : place] }
        { n++; ms[n] = $2 * 1000; if ($1 < 200 || $1 >= 500) failed++ }
        END {
            if (n == 0) { print "no request was sent: is curl installed?" > "/dev/stderr"; exit 1 }
            printf "{\"error_ratio\": %.6f, \"p95_ms\": %.3f, \"p99_ms\": %.3f}\n", failed / n, at(0.95), at(0.99)
        }'
{%- else %}
    # The edge report of the bot, as it serves it: `totals` with net_bps, risk_ratio, maker_taker_ratio, p95_latency_ms.
    curl -fsS -m 10 "$url"
{%- endif %}
}
{% if source == "exec" %}
measure
{%- else %}
# Under another name first, so that nobody reads half a file.
while measure > "{{ file }}.tmp"; do
    mv "{{ file }}.tmp" "{{ file }}"
    sleep {{ pause }}
done
exit 1
{%- endif %}
