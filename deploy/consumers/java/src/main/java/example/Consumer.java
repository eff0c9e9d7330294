package example;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.util.Utf8;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Reads triggers and sends each email once. Java 17.
 *
 * <pre>Consumer BROKERS TOPIC GROUP STATE SCHEMA.avsc</pre>
 */
public final class Consumer {
    /** Ids that were sent, in a file here; in your system a table with a unique key, in one transaction with the email's own row. */
    static final class Sent implements AutoCloseable {
        private final Set<String> ids = new HashSet<>();
        private final FileChannel file;

        Sent(Path path) throws IOException {
            if (Files.exists(path)) {
                ids.addAll(Files.readAllLines(path));
            }
            file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        }

        boolean has(String id) {
            return ids.contains(id);
        }

        void add(String id) throws IOException {
            ids.add(id);
            file.write(ByteBuffer.wrap((id + "\n").getBytes(StandardCharsets.UTF_8)));
            file.force(false);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    private Consumer() {}

    /** Put your email system here, and give it the trigger_id as its idempotency key if it takes one. */
    static void send(GenericRecord trigger) {
        Object subject = ((Map<?, ?>) trigger.get("content")).get(new Utf8("subject"));
        System.out.printf("{\"send\": \"%s\", \"customer\": \"%s\", \"email\": \"%s\", \"subject\": \"%s\"}%n",
                trigger.get("trigger_id"), trigger.get("customer_id"), trigger.get("email"), subject);
        System.out.flush();
    }

    static void handle(Sent sent, GenericRecord trigger) throws IOException {
        String id = trigger.get("trigger_id").toString();
        if (sent.has(id)) {
            return;
        }
        if ((Long) trigger.get("expires_at") > System.currentTimeMillis()) {
            send(trigger);
        }
        sent.add(id);
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 5) {
            System.err.println("Consumer BROKERS TOPIC GROUP STATE SCHEMA.avsc");
            System.exit(64);
        }
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, args[2]);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed"); // not the default of Java
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false"); // behind the email, never before
        Schema schema = new Schema.Parser().parse(Files.readString(Path.of(args[4])));
        BinaryMessageDecoder<GenericRecord> decoder = new BinaryMessageDecoder<>(GenericData.get(), schema);
        try (KafkaConsumer<String, byte[]> consumer =
                        new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
                Sent sent = new Sent(Path.of(args[3]))) {
            Thread main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                consumer.wakeup();
                try {
                    main.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            consumer.subscribe(List.of(args[1]));
            while (true) {
                ConsumerRecords<String, byte[]> records = consumer.poll(Duration.ofMillis(500));
                for (ConsumerRecord<String, byte[]> record : records) {
                    handle(sent, decoder.decode(record.value())); // an unknown schema is an exception: take its trigger.avsc, too
                }
                consumer.commitAsync();
            }
        } catch (WakeupException e) {
            System.err.println("stopped");
        }
    }
}
