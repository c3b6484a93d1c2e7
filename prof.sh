# prof.sh DIR OUT [callgraph]
B=$1; OUT=$2; shift 2
$B/fanfare-bench --server $B/fanfare http_fanout_100 --scratch /tmp/wt/dscratch > $OUT.bench 2>&1 &
BP=$!
sleep 4
SP=$(pgrep -P $BP -f "fanfare serve" | head -1)
perf record "$@" -F 1499 -p $SP -o $OUT.data -- sleep 4 >/dev/null 2>&1
wait $BP
cat $OUT.bench
