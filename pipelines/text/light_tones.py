"""Which syllables of a Mandarin word are light: the words that people say so, suffixes, repetitions and 个."""

from __future__ import annotations

LIGHT = 5
_COUNTED_BY_GE = frozenset("零〇一二三四五六七八九十百千万亿两几有半多各整每做是")
HEAVY = frozenset(
    "男子 女子 分子 原子 量子 莲子 石子 瓜子 电子 质子 中子 离子 粒子 光子 因子 卵子 算子 学子 臣子 孔子 老子 孟子 庄子 荀子 "
    "王子 公子 太子 弟子 君子 才子 游子 赤子 父子 母子 人人 哈哈 数数 娃哈哈 以下 以上 局地".split()
)  # fmt: skip
"""Words whose last syllable keeps its tone although it looks like a suffix or a repetition."""
LIGHT_WORDS = frozenset(
    "巴掌 包袱 包涵 本事 比方 扁担 别扭 拨弄 簸箕 补丁 不由得 不在乎 部分 裁缝 财主 苍蝇 差事 柴火 称呼 除了 窗户 "
    "畜生 刺猬 凑合 耷拉 答应 打扮 打点 打发 打量 打算 打听 大方 大爷 大夫 大意 耽搁 耽误 胆子 道士 灯笼 提防 嘀咕 "
    "地道 弟兄 点心 动静 动弹 豆腐 嘟囔 队伍 对付 多少 恶心 耳朵 翻腾 废物 风筝 福气 甘蔗 干事 高粱 膏药 告示 告诉 疙瘩 "
    "胳膊 工夫 功夫 姑娘 姑爷 故事 寡妇 怪物 关系 官司 罐头 规矩 闺女 哈欠 蛤蟆 含糊 行当 合同 和尚 核桃 红火 厚道 狐狸 "
    "胡琴 糊涂 护士 皇上 幌子 活泼 火候 伙计 机灵 脊梁 记号 记性 家伙 架势 嫁妆 见识 将就 交情 叫唤 街坊 结实 节气 戒指 "
    "芥末 精神 净是 客气 口袋 窟窿 快活 阔气 喇叭 喇嘛 懒得 烂糊 浪头 老婆 老实 老爷 姥姥 累赘 篱笆 里头 力气 厉害 利落 "
    "利索 痢疾 连累 凉快 粮食 料子 溜达 琉璃 笼头 骆驼 啰嗦 萝卜 麻烦 麻利 马虎 码头 买卖 馒头 忙活 冒失 眉毛 媒人 门道 "
    "眯缝 迷糊 免得 苗条 苗头 名堂 名字 明白 蘑菇 模糊 木匠 木头 难为 脑袋 能耐 你们 念叨 念头 娘家 奴才 女婿 暖和 疟疾 "
    "拍打 牌楼 盘算 佩服 朋友 脾气 便宜 屁股 骗局 漂亮 琵琶 铺盖 欺负 前头 亲戚 勤快 清楚 亲家 情形 曲子 拳头 热闹 热乎 "
    "人家 人们 认得 认识 任务 软和 洒脱 嗓子 扫帚 沙发 商量 上司 上头 烧饼 舌头 舍得 舍不得 身份 身子 什么 婶子 生意 牲口 "
    "师父 师傅 石榴 石头 时候 实在 拾掇 使唤 世故 似的 事情 收成 收拾 首饰 叔叔 舒服 舒坦 疏忽 爽快 思量 算计 岁数 踏实 "
    "抬举 太太 体面 挑剔 跳蚤 铁匠 头发 头疼 妥当 唾沫 挖苦 娃娃 晚上 尾巴 委屈 位置 味道 温和 稳当 窝囊 稀罕 媳妇 喜欢 "
    "下巴 吓唬 先生 乡下 相声 消息 小气 笑话 心思 新鲜 信息 星星 行李 兄弟 休息 秀才 秀气 学生 学问 丫头 衙门 哑巴 胭脂 "
    "烟筒 眼睛 央告 秧歌 养活 吆喝 妖精 钥匙 衣服 衣裳 意思 意识 应酬 冤枉 月饼 月亮 云彩 运气 在乎 咱们 早上 怎么 扎实 "
    "眨巴 栅栏 宅子 张罗 丈夫 帐篷 招呼 招牌 找补 折腾 折磨 芝麻 知识 值得 主意 转悠 庄稼 壮实 状元 字号 自在 祖宗 嘴巴 "
    "作坊 琢磨 做作 白净 棒槌 帮手 爸爸 妈妈 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹 舅舅 伯伯 婆婆 公公 外甥 亲爱的 "
    "葡萄 枇杷 苜蓿 玻璃 骨头 膝盖 指甲 脑子 早晨 庄稼 作料 出息 聪明 伶俐 模样 样子 日子 影子 屋子 院子 胡同 胡萝卜"
    .split()
)  # fmt: skip
CHILDREN = frozenset(
    "女儿 男儿 婴儿 幼儿 孤儿 患儿 妻儿 侄儿 孙儿 健儿 宠儿 婴幼儿 新生儿 混血儿 流浪儿 早产儿 胎儿 少儿 我儿 小儿 低能儿 "
    "吾儿 生儿 育儿 托儿 娃儿 乞儿 红孩儿".split()
)
"""Words in which 儿 is a child, a syllable of its own."""


def repeated_places(text: str, tag: str) -> set[int]:
    """Where a noun, verb or adjective repeats a syllable."""
    if text in HEAVY or tag[:1] not in ("n", "v", "a"):
        return set()
    return {place for place in range(1, len(text)) if text[place] == text[place - 1]}


def light_places(text: str, tag: str) -> set[int]:
    """Where in a word the syllables stand that are light by suffix or by the list.

    Args:
        text: a word of Chinese characters.
        tag: its part of speech (jieba's tag).
    """
    last = len(text) - 1
    places: set[int] = set()
    ge = text.find("个")
    if last > 0 and (
        text[-1] in "们子" and tag in ("r", "n") and text not in HEAVY
        or text[-1] in "上下里" and tag in ("s", "l", "f")
        or text[-1] in "来去" and text[-2] in "上下进出回过起开"
    ):  # fmt: skip
        places.add(last)
    elif text == "个" or ge > 0 and text[ge - 1] in _COUNTED_BY_GE:
        places.add(ge)
    elif is_listed(text):
        places.add(last)
    return places


def is_listed(text: str) -> bool:
    """A word that ends lightly by the list, or a compound of one."""
    return text in LIGHT_WORDS or text[-2:] in LIGHT_WORDS
