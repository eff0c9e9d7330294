"""An input topic that is not the one that was read is refused by name: one deleted and made again, shorter or longer."""
import confluent_kafka

import lab
import shoppers


def make_again(world, topic):
    """Waits until the new one is there on every partition."""
    world.kafka.admin.delete_topics([topic])[topic].result(30)

    def made():
        try:
            world.kafka.create([topic], world.partitions)
        except confluent_kafka.KafkaException:  # still being deleted
            return False
        return True
    lab.until("the topic to be made again", made)
    world.ends()


def ends_refused(world, topic):
    process = world.start("--instance", "only")
    process.wait(60)
    said = world.whole_log(process)
    assert process.returncode == 69 and "an input topic is not the one that was read" in said, said
    assert "under another name" in said, said
    world.processes.remove(process)


def test_a_topic_that_was_deleted_and_made_again_is_not_taken_for_the_one_that_was_read(world):
    events, _ = shoppers.story(world, seed=41, customers=40)
    topic = world.inputs["events"]
    process = world.start("--instance", "only")
    world.await_owned(process)
    world.produce_ordered(events)
    world.await_applied()
    world.drain(process)
    world.processes.remove(process)
    process = world.start("--instance", "only")  # the same topic: nothing is wrong
    world.await_owned(process)
    world.produce_ordered([{**events[-1], "id": "one-more"}])
    world.await_applied()
    world.drain(process)
    world.processes.remove(process)
    make_again(world, topic)
    ends_refused(world, topic)  # it ends before what was read
    for _ in range(2):
        world.kafka.produce([(topic, e["customer"], b"{\"other\": 1}") for e in events], world.partitions)
    ends_refused(world, topic)  # it has grown beyond that
