"""Stories written for these tests, and what a careful reader finds in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """``places`` and ``emotions`` are those of the scenes in order; a set where several readings are right."""

    name: str
    text: str
    language: str
    scenes: range
    heroes: dict[str, str]
    places: tuple[str, ...]
    emotions: tuple[str, ...]
    palettes: tuple[str, ...] = ()


STAR = """Once upon a time there was a little fox named Pip, who lived in the forest with his mother. Pip had a blue \
scarf and a brave heart. He loved to play among the trees with his friends.

One morning, Pip saw a shining star fall into the sea. "I must bring it home!" he said. He ran down to the beach and \
found an old boat. He sailed far out on the waves, and he was very happy.

Suddenly a storm came. Thunder roared and the wind howled. Pip was terrified and trembled in the little boat. He cried \
for help.

Then a big whale named Bo rose out of the water. She was kind and gentle. "Do not be afraid," she said. Bo carried Pip \
on her back all the way to the shore.

At night, Pip and his mother sat by the fire at home. She hugged him, and they watched the stars until he fell asleep.
"""

SNOW = """Lily was a small girl with black hair and a yellow coat. She lived in a village in the mountains.

One winter morning everything was white with snow. Lily built a snowman in the snow and gave him a red scarf. She \
laughed and danced around him.

That night the snowman woke up. Lily stared in surprise. "Wow!" she gasped. The snowman was suddenly alive!

The next day the sun was warm, and the snowman began to melt. Lily cried and cried. She was so sad and lonely.

In spring a flower grew in the garden where he had stood. Lily smiled. She was happy again, and she sang to it every day.
"""

DRAGON = """The Angry Dragon

A green dragon lived in a dark cave high above the village. He was lonely, but he shouted and roared at everybody, so \
nobody came.

One day a brave knight climbed up to the cave. The dragon was furious. He stamped his feet and breathed fire. "Go \
away! I hate knights!" he yelled angrily.

The knight did not run. She sat down and gave him a cake. "I only wanted to be your friend," she said kindly. The \
dragon hugged her, and they shared the cake together.

From that day on, the dragon and the knight flew over the castle every evening, laughing with joy at the golden sunset.
"""

ROBOT = """Deep in outer space, a little robot called Zip lived alone on the moon. Every night he looked at the stars and \
wondered what was out there. The planets glowed and sparkled like magic.

One day a rocket landed beside him. A tall astronaut named Maya stepped out. Zip was afraid and hid behind a rock.

"Hello," said Maya softly. "I have come to explore." She was not angry at all. Zip peeked out and waved.

Together they flew in the rocket to the city on Earth. The streets were full of lights, and people cheered and clapped \
for the little robot. Zip had never been so happy.
"""

GRANNY = """I love my grandmother. She has grey hair and a purple dress. On Sundays I walk to her cottage in the woods and \
I bring her apples.

Last Sunday I got lost in the forest. It was dark, and I was scared. I heard a wolf howl, and I ran and ran.

At last I saw a lantern. My grandmother was standing at the door. I ran into her arms, and she kissed me. We sat in the \
kitchen and ate warm apple cake, safe and happy.
"""

MOON = """从前，森林里住着一只小狐狸，名叫阿布。阿布戴着一条红色的围巾，很喜欢和小兔子一起玩耍。他们天天在树林里捉迷藏，笑得可开心了。

有一天晚上，月亮不见了。天空一片漆黑，小动物们都害怕极了，躲在树林里发抖。阿布说：“我要把月亮找回来！”

第二天，阿布翻过高山，来到了大海边。他看见月亮掉进了海里，一只老乌龟正守着它。老乌龟伤心地哭着说：“我太孤单了，没有人陪我。”

阿布轻轻地抱住老乌龟，说：“别难过，我们做朋友吧！”老乌龟感动极了，把月亮还给了阿布。

最后，月亮又回到了夜空，闪闪发光。大家围着篝火唱歌跳舞，高兴极了。
"""

CARROT = """小白兔住在草地上的小屋里。她每天在菜园里种胡萝卜，日子过得很快乐。

一天早上，小白兔发现胡萝卜被偷走了！她非常生气，气呼呼地跺脚：“是谁偷了我的胡萝卜？太可恶了！”

她顺着脚印走进了森林。在山洞里，她看见一只小老鼠正抱着胡萝卜哭。小老鼠说：“妈妈生病了，我们好久没有东西吃，我很难过。”

小白兔不生气了。她温柔地摸摸小老鼠，说：“没关系，我来帮助你们。”从此，她们成了好朋友，一起分享食物。
"""

PRINCESS = """很久以前，城堡里住着一位小公主，她穿着蓝色的裙子，长着金色的头发。公主什么都有，可是她很孤单，常常一个人流泪。

有一天，一条绿色的巨龙飞到了城堡上空，大家吓得发抖，国王也害怕得躲了起来。

公主却不害怕。她骑着白马来到山洞，对巨龙说：“你为什么来这里？”原来巨龙迷路了，找不到家。

晚上，公主和巨龙一起飞上星空。星星闪闪发光，美丽极了，就像神奇的梦境。公主终于有了朋友，她开心地笑了。
"""

OCEAN = """海底有一条小金鱼，名字叫泡泡。泡泡非常好奇，总想看看外面的世界。

一天，泡泡游到了海边。沙滩上有一个小男孩在玩耍，他叫小明。小明戴着一顶黄色的帽子。泡泡惊讶地瞪大眼睛：“哇，这是什么？”

忽然，一阵狂风吹来，大浪把小明卷进了海里。小明害怕极了，大声喊救命。

泡泡赶紧叫来海豚。海豚把小明驮在背上，送回了沙滩。小明抱着海豚，感激地说：“谢谢你们救了我！”

夕阳下，小明和泡泡约好，每天都来海边见面。大海静静的，轻轻地唱着摇篮曲。
"""

MOUSE = """Mother Mouse had three children. They lived in a hole under the kitchen floor. The youngest, Tilly, wore a \
tiny green hat.

"Never go near the cat," said Mother Mouse. But one night Tilly smelled cheese on the table. She crept out quietly.

Suddenly the black cat jumped! Tilly shook with fear. She ran and hid in a teapot. Her heart was pounding, and she was \
terrified.

Then Mother Mouse rang the bell. The cat ran away, and Tilly jumped into her mother's arms. "I love you," said Mother \
Mouse, and she hugged her tightly.
"""

STORIES = (
    Told("star", STAR, "en", range(4, 7), {"Pip": "fox", "Bo": "whale", "mother": "fox"},
         ("forest", "sea", "room"), ("love", "fear", "love")),
    Told("snow", SNOW, "en", range(4, 6), {"Lily": "girl", "snowman": "snowman"},
         ("snow", "meadow"), ("joy", "surprise", "sadness", "joy")),
    Told("dragon", DRAGON, "en", range(3, 5), {"dragon": "dragon", "knight": "knight"},
         ("cave", "castle"), ("anger", "love", "joy")),
    Told("robot", ROBOT, "en", range(3, 5), {"Zip": "robot", "Maya": "astronaut"},
         ("moon", "city"), ("wonder", "fear", "joy")),
    Told("granny", GRANNY, "en", range(2, 4), {"I": "girl boy", "grandmother": "grandmother"},
         ("forest", "room"), ("love", "fear")),
    Told("mouse", MOUSE, "en", range(3, 5), {"Mother Mouse": "mouse", "Tilly": "mouse", "cat": "cat"},
         ("room",), ("fear", "love")),
    Told("moon", MOON, "zh", range(4, 7), {"阿布": "fox", "老乌龟": "turtle", "小兔子": "rabbit"},
         ("forest", "shore"), ("joy", "fear", "sadness", "love", "joy")),
    Told("carrot", CARROT, "zh", range(3, 5), {"小白兔": "rabbit", "小老鼠": "mouse"},
         ("meadow", "cave"), ("joy", "anger", "sadness", "love")),
    Told("princess", PRINCESS, "zh", range(3, 5), {"小公主": "princess", "巨龙": "dragon", "国王": "king"},
         ("castle", "cave"), ("sadness", "fear", "wonder")),
    Told("ocean", OCEAN, "zh", range(4, 7), {"泡泡": "fish", "小明": "boy", "海豚": "dolphin"},
         ("underwater", "shore", "sea", "shore"), ("surprise", "fear", "love", "calm")),
)  # fmt: skip
