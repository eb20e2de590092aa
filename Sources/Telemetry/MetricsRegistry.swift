import Synchronization

/// The metrics of one process. Instruments are made once, kept by whoever writes them, and read by `render`.
package final class MetricsRegistry: Sendable {
    private struct State {
        var names: Set<String> = []
        var collectors: [@Sendable () -> [MetricFamily]] = []
        /// Of each metric with labels: how often a set of values found no room.
        var overflows: [(metric: String, count: Counter)] = []
    }

    private let state = Mutex(State())
    /// How many series one metric may have before further label values share one series (see `LabelledInstruments`).
    private let maxSeries: Int

    package init(maxSeries: Int = 1000) { self.maxSeries = maxSeries }

    /// A counter for each set of label values. The name ends in `_total`.
    package func counters(_ name: String, help: String, labels: [String]) -> LabelledInstruments<Counter> {
        self.register(name, help, .counter, labels, make: { Counter() }) { counter, labels in
            [.init(labels: labels, value: Double(counter.value))]
        }
    }

    package func counter(_ name: String, help: String) -> Counter { self.counters(name, help: help, labels: []).with([]) }

    package func gauges(_ name: String, help: String, labels: [String]) -> LabelledInstruments<Gauge> {
        self.register(name, help, .gauge, labels, make: { Gauge() }) { gauge, labels in
            [.init(labels: labels, value: gauge.value)]
        }
    }

    package func gauge(_ name: String, help: String) -> Gauge { self.gauges(name, help: help, labels: []).with([]) }

    package func histograms(
        _ name: String, help: String, labels: [String], bounds: [Double] = Histogram.durations
    ) -> LabelledInstruments<Histogram> {
        self.register(name, help, .histogram, labels, make: { Histogram(bounds: bounds) }) { histogram, labels in
            histogram.samples(labels: labels)
        }
    }

    package func histogram(_ name: String, help: String, bounds: [Double] = Histogram.durations) -> Histogram {
        self.histograms(name, help: help, labels: [], bounds: bounds).with([])
    }

    /// Adds metrics whose values live elsewhere. The closure runs at every scrape and should be quick.
    package func collect(_ collector: @escaping @Sendable () -> [MetricFamily]) {
        self.state.withLock { $0.collectors.append(collector) }
    }

    /// A metric that counts how often other metrics had no room for a new series.
    package func exposeOverflow(as name: String) {
        self.collect { [self] in
            let overflows = self.state.withLock { $0.overflows }.sorted { $0.metric < $1.metric }
            let samples = overflows.map { MetricFamily.Sample(labels: [.init("metric", $0.metric)], value: Double($0.count.value)) }
            let help = "Times a metric was at its bound of series, so that new label values were counted under _other."
            return [MetricFamily(name: name, help: help, kind: .counter, samples: samples)]
        }
    }

    /// Things of one's own for each set of label values, bounded like those of a metric; whoever asks renders them.
    /// - Parameter metric: names them where the bound is reached.
    package func instruments<Instrument>(
        _ metric: String, labels: [String], make: @escaping @Sendable () -> Instrument
    ) -> LabelledInstruments<Instrument> {
        let instruments = LabelledInstruments(names: labels, maxSeries: self.maxSeries, make: make)
        if !labels.isEmpty { self.state.withLock { $0.overflows.append((metric, instruments.overflows)) } }
        return instruments
    }

    /// Every metric now, sorted by name.
    package func families() -> [MetricFamily] {
        let collectors = self.state.withLock { $0.collectors }
        return collectors.flatMap { $0() }.sorted { $0.name < $1.name }
    }

    /// Prometheus text, content type `text/plain; version=0.0.4`.
    package func render() -> String {
        var text = ""
        for family in self.families() { family.render(into: &text) }
        return text
    }

    private func register<Instrument>(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ labels: [String], make: @escaping @Sendable () -> Instrument,
        samples: @escaping @Sendable (Instrument, [MetricFamily.Label]) -> [MetricFamily.Sample]
    ) -> LabelledInstruments<Instrument> {
        let instruments = self.instruments(name, labels: labels, make: make)
        if labels.isEmpty { _ = instruments.with([]) }
        self.state.withLock {
            precondition($0.names.insert(name).inserted, "metric \(name) is registered twice")
            $0.collectors.append {
                let all = instruments.all().flatMap { values, instrument in
                    samples(instrument, zip(labels, values).map { MetricFamily.Label($0, $1) })
                }
                return [MetricFamily(name: name, help: help, kind: kind, samples: all)]
            }
        }
        return instruments
    }
}

/// The series of one metric, one per set of label values.
///
/// Label values may come from outside (a server name, a service), so their number is bounded: past `maxSeries`, new sets
/// share one series whose every value is `_other`.
package final class LabelledInstruments<Instrument: AnyObject & Sendable>: Sendable {
    package static var other: String { "_other" }

    private let names: [String]
    private let maxSeries: Int
    private let make: @Sendable () -> Instrument
    private let series = Mutex<[[String]: Instrument]>([:])
    /// How often a new set of values found no room.
    let overflows = Counter()

    init(names: [String], maxSeries: Int, make: @escaping @Sendable () -> Instrument) {
        self.names = names
        self.maxSeries = maxSeries
        self.make = make
    }

    /// The series for these values, in the order the label names were given.
    package func with(_ values: [String]) -> Instrument {
        precondition(values.count == self.names.count, "labels \(self.names) take \(self.names.count) values")
        return self.series.withLock { series in
            if let known = series[values] { return known }
            let hasRoom = series.count < self.maxSeries
            if !hasRoom { self.overflows.add() }
            let key = hasRoom ? values : values.map { _ in Self.other }
            if let known = series[key] { return known }
            let made = self.make()
            series[key] = made
            return made
        }
    }

    package func with(_ values: String...) -> Instrument { self.with(values) }

    /// Forgets a series, such as that of a cluster which is gone.
    package func remove(_ values: [String]) { self.series.withLock { _ = $0.removeValue(forKey: values) } }

    package func all() -> [(values: [String], instrument: Instrument)] {
        let series = self.series.withLock { $0 }
        return series.map { ($0.key, $0.value) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    }
}
